import { Command } from "commander";
import type postgres from "postgres";
import { historyExtent, instanceHistory, migrationHistory, vmmHistory } from "../client/history-views.js";
import { instanceAt } from "../client/history.js";
import type { InstanceAtResult } from "../client/results.js";
import { explainUpdate } from "../client/update-saga.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { ioOf, say, sayJson } from "../terminal/io.js";
import {
  databaseUrlOption,
  type DatabaseUrlOption,
  instanceArgument,
  jsonOption,
  type JsonOption,
} from "./options.js";
import { type History, historyText, pastText } from "./output/history-text.js";
import { noInstance } from "./queries/instance-rows.js";
import { withSnapshot } from "./queries/snapshot.js";

interface Options extends DatabaseUrlOption, JsonOption {
  at?: string;
}

const ABOUT = `
Times are those at which a change was written, in UTC. --at takes such a time,
or any other that PostgreSQL reads: '2026-11-28 13:00+01', yesterday.`;

/** Defines the command `vmstate history`. */
export function historyCommand(): Command {
  return new Command("history")
    .description("list what became of an instance, its VMMs and its migrations, and by whom")
    .addArgument(instanceArgument())
    .option("--at <time>", "print the instance as it was at this time instead")
    .addOption(databaseUrlOption())
    .addOption(jsonOption())
    .addHelpText("after", ABOUT)
    .action(runHistory);
}

async function runHistory(instanceId: string, options: Options, command: Command): Promise<void> {
  const io = ioOf(command);
  const { at: time } = options;
  if (time === undefined) {
    const history = await withSnapshot(io, options, (sql) => readHistory(sql, instanceId));
    if (options.json) sayJson(io.stdout, history);
    else say(io.stdout, historyText(history, io));
    return;
  }
  const past = await withSnapshot(io, options, (sql) => readPast(sql, instanceId, time));
  if (options.json) sayJson(io.stdout, past);
  else say(io.stdout, pastText(instanceId, past, io));
}

async function readHistory(sql: postgres.TransactionSql, instanceId: string): Promise<History> {
  const history = {
    instance: await instanceHistory(sql, { instanceId }),
    vmms: await vmmHistory(sql, { instanceId }),
    migrations: await migrationHistory(sql, { instanceId }),
    extent: await historyExtent(sql),
  };
  const isKnown = history.instance.length + history.vmms.length > 0 || (await exists(sql, instanceId));
  return isKnown ? history : noInstance(instanceId);
}

async function exists(sql: postgres.TransactionSql, instanceId: string): Promise<boolean> {
  const { outcome } = await explainUpdate(sql, { instanceId });
  return outcome !== "not_found";
}

async function readPast(
  sql: postgres.TransactionSql,
  instanceId: string,
  time: string,
): Promise<Extract<InstanceAtResult, { outcome: "applied" | "gone" }>> {
  const past = await instanceAt(sql, { instanceId, time });
  if (past.outcome === "not_found")
    throw new VmstateError(`there was no instance ${instanceId} in this database at that time`);
  if (past.outcome !== "conflict") return past;
  const { since } = await historyExtent(sql);
  throw new VmstateError(
    `the history of this database begins ${since === null ? "now" : `at ${since.toISOString()}`}, after that time`,
  );
}
