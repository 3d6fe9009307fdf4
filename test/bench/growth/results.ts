import { z } from "zod";
import { machine, target, spread } from "../results.js";

const bySize = z.array(z.number().nonnegative());

/** A verb, or a list. Arrays go by size. */
const call = z.object({
  name: z.string(),
  kind: z.enum(["verb", "list"]),
  /** The caller's time, its median. */
  p50Micros: bySize,
  /** The server's, without the commit. */
  serverMicros: bySize,
  /** Pages of 8 kB in shared buffers, in the median. */
  buffers: bySize,
  /** The pages that had to be read, of those that were used. */
  read: bySize,
  walBytes: bySize,
  /** The caller's time next to that at the smallest size. */
  growth: z.array(spread),
  /** A list's time next to that of reading as many rows by key. */
  toByKey: z.array(spread).optional(),
});

/** What a run found. */
export const growthSchema = z.object({
  takenAt: z.iso.datetime(),
  quick: z.boolean(),
  seed: z.number(),
  machine,
  sizes: z.array(z.object({ vmms: z.number(), loadSeconds: z.number(), mebibytes: z.number() })).min(2),
  calls: z.array(call).min(1),
  /** Empty for a quick run. */
  targets: z.array(target),
});

export type Growth = z.infer<typeof growthSchema>;
export type CallGrowth = z.infer<typeof call>;
