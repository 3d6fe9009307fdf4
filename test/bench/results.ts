import { z } from "zod";

export const spread = z.object({ median: z.number(), low: z.number(), high: z.number() });
const figure = z.number().nonnegative();

const entry = z.object({
  name: z.string(),
  /** The latency of a call. */
  p50Micros: figure,
  p99Micros: figure,
  /** The number of units that a call handles: VMMs, cycles, lists. */
  size: z.number().positive(),
  perSecond: figure,
  /** How many times as fast per unit as the base of the case. */
  ratio: spread.nullable(),
  /** What else was counted, by name. */
  counts: z.record(z.string(), z.number()),
});

const raced = z.object({
  id: z.string(),
  title: z.string(),
  unit: z.string(),
  base: z.string().nullable(),
  warmUp: z.number(),
  rounds: z.number(),
  connections: z.number(),
  entries: z.array(entry).min(1),
});

export const target = z.object({
  name: z.string(),
  /** `least`: the figure has to reach the target; `most`: the figure may not exceed it. */
  bound: z.enum(["least", "most"]),
  target: z.number(),
  measured: spread,
  reached: z.boolean(),
  /** The figure of bare statements, which no client can exceed. */
  limit: z.number().optional(),
});

export const machine = z.object({
  cpu: z.string(),
  cores: z.number(),
  memoryMiB: z.number(),
  node: z.string(),
  postgresql: z.string(),
  server: z.string(),
  settings: z.record(z.string(), z.string()),
  clients: z.record(z.string(), z.string()),
});

/** What a run of the bench found. */
export const resultsSchema = z.object({
  takenAt: z.iso.datetime(),
  quick: z.boolean(),
  seed: z.number(),
  rows: z.number(),
  machine,
  absent: z.array(z.object({ name: z.string(), why: z.string() })),
  cases: z.array(raced).min(1),
  /** Empty for a quick run, which is too short to judge. */
  targets: z.array(target),
});

export type Results = z.infer<typeof resultsSchema>;
export type CaseResult = z.infer<typeof raced>;
export type EntryResult = z.infer<typeof entry>;
export type Target = z.infer<typeof target>;
export type Machine = z.infer<typeof machine>;
