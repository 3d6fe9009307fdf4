import { Command, InvalidArgumentError, Option } from "commander";
import type postgres from "postgres";
import type { PurgeResult } from "../client/results.js";
import { purge } from "../client/operator.js";
import { sqlStateOf } from "../errors/sql-state.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { withDatabase } from "./database.js";
import { type Io, ioOf, say, sayJson } from "../terminal/io.js";
import { databaseUrlOption, type DatabaseUrlOption, jsonOption, type JsonOption } from "./options.js";

/** Rows that purges have deleted. */
type Purged = Omit<PurgeResult, "leftOver">;

interface PurgeOptions extends DatabaseUrlOption, JsonOption {
  olderThan: string;
  batch: number;
}

/** Batches between two lines of progress. */
const LINE_EVERY = 100;

/** Defines the command `vmstate purge`. */
export function purgeCommand(): Command {
  return new Command("purge")
    .description("remove rows that were deleted long ago and that no other row needs")
    .addOption(databaseUrlOption())
    .addOption(
      new Option(
        "--older-than <age>",
        "remove what was deleted at least this long ago: a whole number and min, h, d or w, for example 90min, 12h, 30d; at least 1h",
      )
        .argParser(requireAge)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--batch <rows>", "most rows to remove in one transaction")
        .argParser(requireBatch)
        .default(1000, "1000"),
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nAfter a purge, a late replay of create_instance, begin_start or begin_migration" +
        "\nbegins anew, and a late report is answered not_found. Choose an age that no" +
        "\nsaga, no silence of an agent and no network partition outlasts.",
    )
    .action(runPurge);
}

/**
 * Refuses an age without one of the units min, h, d and w.
 *
 * PostgreSQL reads the age as an interval. There `m` is minutes, but many people mean months, so `m` is refused.
 */
function requireAge(text: string): string {
  if (/^\d+ ?(min|h|d|w)$/.test(text)) return text;
  throw new InvalidArgumentError(
    "Expected a whole number and min, h, d or w, for example 90min, 12h or 30d.",
  );
}

function requireBatch(text: string): number {
  const rows = Number(text);
  if (Number.isInteger(rows) && rows >= 1 && rows <= 100_000) return rows;
  throw new InvalidArgumentError("Expected a whole number from 1 to 100000.");
}

async function runPurge(options: PurgeOptions, command: Command): Promise<void> {
  const io = ioOf(command);
  const purged: Purged = { migrations: 0, vmms: 0, instances: 0 };
  try {
    await withDatabase(io, { databaseUrl: options.databaseUrl, embedded: false }, async ({ sql }) => {
      await purgeAll(io, sql, options, purged);
    });
  } finally {
    if (io.signal.aborted) say(io.stderr, `interrupted; removed so far: ${describe(purged)}`);
  }
  if (options.json) sayJson(io.stdout, purged);
  else say(io.stdout, `removed ${describe(purged)}`);
}

/**
 * Purges in one short transaction after the other, until nothing is left over.
 *
 * If purging is interrupted, what the finished transactions removed stays removed.
 */
async function purgeAll(
  io: Io,
  sql: postgres.Sql,
  { olderThan, batch }: PurgeOptions,
  purged: Purged,
): Promise<void> {
  const before = await timeAgo(sql, olderThan);
  let leftOver = true;
  for (let batches = 1; leftOver; batches++) {
    io.signal.throwIfAborted();
    const answer = await purge(sql, { before, limit: batch }).catch(explain);
    purged.migrations += answer.migrations;
    purged.vmms += answer.vmms;
    purged.instances += answer.instances;
    leftOver = answer.leftOver;
    if (batches % LINE_EVERY === 0) say(io.stderr, `removed so far: ${describe(purged)}`);
  }
}

const FOREIGN_KEY_VIOLATION = "23503";

/**
 * Says which table holds a row that is due; the server names it.
 *
 * @throws VmstateError for a row that a foreign key of a user's table holds, and any other error as it is
 */
function explain(cause: unknown): never {
  if (sqlStateOf(cause) !== FOREIGN_KEY_VIOLATION) throw cause;
  const { message } = cause as Error;
  throw new VmstateError(
    `this purge was rolled back: ${message}; delete the rows there first, or declare the key ON DELETE CASCADE or SET NULL`,
    { cause },
  );
}

/** Reads the time that was `age` ago by the clock of the database, as text, since a Date has no microseconds. */
async function timeAgo(sql: postgres.Sql, age: string): Promise<string> {
  const [row] = await sql<[{ before: string }]>`
    select (pg_catalog.now() operator(pg_catalog.-) ${age}::pg_catalog.text::pg_catalog.interval)::pg_catalog.text as before`;
  return row.before;
}

function describe({ migrations, vmms, instances }: Purged): string {
  return [count(instances, "instance"), count(vmms, "VMM"), count(migrations, "migration")].join(", ");
}

function count(rows: number, name: string): string {
  return `${rows.toLocaleString("en")} ${name}${rows === 1 ? "" : "s"}`;
}
