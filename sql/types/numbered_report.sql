CREATE TYPE vmstate.numbered_report AS (
  ordinal integer,
  round integer,
  report vmstate.vmm_report
);
COMMENT ON TYPE vmstate.numbered_report IS 'A report with its place in a batch, from 1, and how many reports of the same VMM stand up to there.';
