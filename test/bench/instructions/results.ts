import { z } from "zod";

const caseResult = z.object({
  id: z.string(),
  /** The number of units in a call: reports, or calls of a verb. */
  units: z.number().int().positive(),
  /** The instructions of one unit. */
  instructions: z.number().int(),
  base: z.string().nullable(),
  /** How many times the instructions of the base. */
  ratio: z.number().nullable(),
  /** The largest ratio that is allowed. */
  most: z.number().nullable(),
  reached: z.boolean().nullable(),
});

export const instructionsSchema = z.object({
  takenAt: z.iso.datetime(),
  quick: z.boolean(),
  seed: z.number(),
  rows: z.number(),
  warmUp: z.number(),
  calls: z.number(),
  server: z.string(),
  cases: z.array(caseResult).min(1),
});

export type CaseResult = z.infer<typeof caseResult>;
export type Instructions = z.infer<typeof instructionsSchema>;
