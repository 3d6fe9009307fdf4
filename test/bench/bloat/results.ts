import { z } from "zod";
import { machine, target } from "../results.js";

const series = z.array(z.number().nonnegative());

/** What a run found. Series have a sample of each minute, the first before it. */
export const bloatSchema = z.object({
  takenAt: z.iso.datetime(),
  quick: z.boolean(),
  seed: z.number(),
  machine,
  vmms: z.number(),
  minutes: z.number(),
  /** How many times as fast as life it was to be, and was. */
  speedup: z.number(),
  measuredSpeedup: z.number(),
  reports: z.number(),
  lives: z.number(),
  /** KiB, by table and index. */
  sizes: z.record(z.string(), series),
  dead: z.record(z.string(), series),
  autovacuums: z.record(z.string(), z.number()),
  /** By table, the share of its updates that are HOT. */
  hotPercent: z.record(z.string(), z.number()),
  /** Empty for a quick run. */
  targets: z.array(target),
});

export type Bloat = z.infer<typeof bloatSchema>;
