import type { Scenario } from "../scenario.js";
import type { Given } from "./givens.js";
import type { Write } from "./writes.js";

/** A write that a guard must refuse, and what the error says. */
export interface Refusal {
  title: string;
  trigger: string;
  code: "VM101" | "VM102" | "VM103" | "VM104";
  given: Given;
  write: Write;
  /** What the detail must name: the actual and the attempted value. */
  detail: (s: Scenario) => string[];
}

// Each of these four makes the `detail` of a refusal.
export const values =
  (...words: string[]) =>
  (): string[] =>
    words;
export const states = (actual: string, attempted: string): Refusal["detail"] =>
  values(`Found: ${actual}. Attempted: ${attempted}.`);
export const generations = (actual: string, attempted: string): Refusal["detail"] =>
  values(`Found: generation ${actual}. Attempted: generation ${attempted}.`);
export const id =
  (which: "instanceId" | "propolisId" | "destinationId" | "migrationId") =>
  (s: Scenario): string[] => [s[which]];

/** Makes the refusals of one trigger with one code. */
export function refusals(
  trigger: string,
  code: Refusal["code"],
  rows: [title: string, given: Given, write: Write, detail: Refusal["detail"]][],
): Refusal[] {
  return rows.map(([title, given, write, detail]) => ({ title, trigger, code, given, write, detail }));
}

/** Every hint of a guard names a verb that does what the write was meant to do. */
export const VERB =
  /\b(create|delete|configure)_instance\b|\b(begin|unwind)_(start|migration)\b|\b(run|commit|explain)_update\b|\b(report|fail|delete)_vmm\b/;
