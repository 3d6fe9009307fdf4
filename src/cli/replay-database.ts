import { once } from "node:events";
import { createInterface } from "node:readline";
import type postgres from "postgres";
import { VmstateError } from "../errors/vmstate-error.js";
import { orInterruption } from "../terminal/interruption.js";
import type { Io } from "../terminal/io.js";
import type { Database } from "./database.js";
import { mayReadTables } from "./queries/rights.js";

/**
 * Asks before a replay writes into a database that has instances; `yes` is the answer of a script.
 *
 * @throws VmstateError when the answer is no, or nobody can be asked
 */
export async function requireConsent(
  io: Io,
  { sql, where }: Database,
  { vms, yes }: { vms: number; yes: boolean },
): Promise<void> {
  if (yes || !(await orInterruption(hasInstances(sql), io.signal))) return;
  if (io.stdin.isTTY !== true)
    throw new VmstateError(`${where} has instances already: pass --yes to play ${vms} VMs there`);
  io.stderr.write(`${where} has instances already. Play ${vms} VMs there? [y/N] `);
  if (!/^y(es)?$/i.test(await answer(io))) throw new VmstateError("nothing was written");
}

/** Tells whether the database has instances, also deleted ones if this role may read them. */
async function hasInstances(sql: postgres.Sql): Promise<boolean> {
  const found = (await mayReadTables(sql))
    ? await sql`select i.id from vmstate.instance as i limit 1`
    : await sql`select i.id from vmstate.api_instance as i limit 1`;
  return found.length > 0;
}

/** Reads one line; empty when there is none. Leaves the terminal as it is, so that Ctrl-C is a signal. */
async function answer({ stdin, signal }: Io): Promise<string> {
  const lines = createInterface({ input: stdin, terminal: false });
  try {
    const line = once(lines, "line").then(([text]) => String(text));
    const end = once(lines, "close").then(() => "");
    return (await orInterruption(Promise.race([line, end]), signal)).trim();
  } finally {
    lines.close();
  }
}
