import { running, type Scenario } from "../scenario.js";
import type { Given } from "../guards/givens.js";

/** One error: the statements that provoke it, and all that it says. `{…}` stands for an id of the scenario. */
export interface ErrorCase {
  code: string;
  given: Given;
  statements: string;
  message: string;
  detail: string;
  hint: string;
}

export type Row = [statements: string, message: string, detail: string, hint: string];

/** The rows of one SQLSTATE that begin with the same scenario. */
export function errors(code: string, rows: Row[], given: Given = running): ErrorCase[] {
  return rows.map(([statements, message, detail, hint]) => ({
    code,
    given,
    statements,
    message,
    detail,
    hint,
  }));
}

/** Fills in the ids of the scenario. */
export function fill(text: string, s: Scenario, role: string): string {
  const ids: Record<string, string> = {
    instance: s.instanceId,
    project: s.create.projectId,
    vmm: s.propolisId,
    destination: s.destinationId,
    migration: s.migrationId,
    sled: s.start.sledId,
    role,
  };
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const id = ids[name];
    if (id === undefined) throw new Error(`no scenario has a ${name}`);
    return id;
  });
}
