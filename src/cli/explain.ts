import { Command } from "commander";
import type postgres from "postgres";
import type { ExplainUpdateResult } from "../client/results.js";
import { explainUpdate } from "../client/update-saga.js";
import { ioOf, say, sayJson } from "../terminal/io.js";
import {
  databaseUrlOption,
  type DatabaseUrlOption,
  instanceArgument,
  jsonOption,
  type JsonOption,
} from "./options.js";
import { type Background, type Explanation, planText } from "./output/plan-text.js";
import { noInstance } from "./queries/instance-rows.js";
import { mayReadTables } from "./queries/rights.js";
import { withSnapshot } from "./queries/snapshot.js";

/** Defines the command `vmstate explain`. */
export function explainCommand(): Command {
  return new Command("explain")
    .description("print what an update of an instance would change now")
    .addArgument(instanceArgument())
    .addOption(databaseUrlOption())
    .addOption(jsonOption())
    .action(runExplain);
}

async function runExplain(
  instanceId: string,
  options: DatabaseUrlOption & JsonOption,
  command: Command,
): Promise<void> {
  const io = ioOf(command);
  const explanation = await withSnapshot(io, options, (sql) => readExplanation(sql, instanceId));
  if (options.json) sayJson(io.stdout, explanation);
  else say(io.stdout, planText(explanation, io.colors));
}

async function readExplanation(sql: postgres.TransactionSql, instanceId: string): Promise<Explanation> {
  const answer = await explainUpdate(sql, { instanceId });
  if (answer.outcome === "not_found") return noInstance(instanceId);
  const read = (await mayReadTables(sql)) ? readBackground : readPublicBackground;
  return { ...answer, ...(await read(sql, instanceId, answer)) };
}

async function readBackground(sql: postgres.TransactionSql, instanceId: string): Promise<Background> {
  const [row] = await sql<[Background]>`
    select p.verdict, r.intended_state as "intendedState",
      p.updater_lease_until <= statement_timestamp() as "leaseExpired"
    from vmstate.instance_plan as p join vmstate.resolved_instance as r on r.instance_id = p.instance_id
    where p.instance_id = ${instanceId}`;
  return row;
}

/** Reads what is printed beside the plan from public views and the answer of explain_update, as far as they have it. */
async function readPublicBackground(
  sql: postgres.TransactionSql,
  instanceId: string,
  {
    migrationId,
    newIntendedState,
    updaterLeaseUntil,
  }: Exclude<ExplainUpdateResult, { outcome: "not_found" }>,
): Promise<Background> {
  const [row] = await sql<[Background]>`
    select case when ${migrationId}::uuid is null then 'none' else p.verdict end as verdict,
      coalesce(i.intended_state, ${newIntendedState}) as "intendedState",
      ${updaterLeaseUntil}::timestamptz <= statement_timestamp() as "leaseExpired"
    from (select ${instanceId}::uuid as instance_id) as e
    left join vmstate.pending_update as p on p.instance_id = e.instance_id
    left join vmstate.api_instance as i on i.id = e.instance_id`;
  return row;
}
