-- Every sled updates its row at each report. No index has a changing column, and half of each page is free for new row versions,
-- so each update is HOT: PostgreSQL reuses the space in the page, without VACUUM.
CREATE TABLE vmstate.sled_report (
  sled_id uuid PRIMARY KEY,
  time_reported timestamptz NOT NULL,
  time_agreed timestamptz,
  vmm_count integer NOT NULL CONSTRAINT vmm_count_not_negative CHECK (vmm_count >= 0)
) WITH (fillfactor = 50);

COMMENT ON TABLE vmstate.sled_report IS 'Keeps the last report of each sled about itself; vmstate.report_sled writes it.

A sled without a row was never heard by report_sled; its VMMs may have been.';
COMMENT ON COLUMN vmstate.sled_report.time_reported IS 'When the sled last called report_sled, by the clock of the database.';
COMMENT ON COLUMN vmstate.sled_report.time_agreed IS 'When the sled last had the VMMs and the states of the database.

By the clock of the database; NULL if that never was so. Each VMM that was then alive counts as heard at this time.';
COMMENT ON COLUMN vmstate.sled_report.vmm_count IS 'How many VMMs the sled said it has, in its last report.';
