import type { Scenario } from "../scenario.js";
import type { Given } from "./givens.js";
import type { Write } from "./writes.js";

export interface Refusal {
  title: string;
  trigger: string;
  code: "VM101" | "VM102" | "VM103" | "VM104";
  given: Given;
  write: Write;
  /** What the detail must name: the actual and the attempted value. */
  detail: (s: Scenario) => string[];
}

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

export function refusals(
  trigger: string,
  code: Refusal["code"],
  rows: [title: string, given: Given, write: Write, detail: Refusal["detail"]][],
): Refusal[] {
  return rows.map(([title, given, write, detail]) => ({ title, trigger, code, given, write, detail }));
}

export const VERB =
  /\b(create|delete|configure)_instance\b|\b(begin|unwind)_(start|migration)\b|\b(run|commit|explain)_update\b|\b(report|fail|delete)_vmm\b/;
