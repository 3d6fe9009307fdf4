import type { ClientBase } from "pg";
import { VmstateError } from "../errors/vmstate-error.js";
import type { Migration } from "./files.js";

/** A migration that a database has, whichever tool applied it. */
export interface Applied {
  number: number;
  name: string;
  isBreaking: boolean;
  timeApplied: Date;
}

/** What a database has of the migrations. */
export interface History {
  /** The applied migrations, in order. */
  applied: Applied[];
  /** Those that node-pg-migrate recorded in `vmstate.pgmigrations`, in order. */
  recorded: string[];
  /** Whether the schema has objects, and no row in `vmstate.schema_change` tells which migrations made them. */
  hasUnrecorded: boolean;
}

/**
 * Reads which migrations a database has, by both tables that record them.
 *
 * @throws VmstateError when the two tables of applied migrations contradict each other
 */
export async function readHistory(client: ClientBase): Promise<History> {
  const { hasChanges, hasRecords, objects } = await readState(client);
  const applied = hasChanges ? await readApplied(client) : [];
  const recorded = hasRecords ? await readRecorded(client) : [];
  requireOneAccount(applied, recorded);
  return { applied, recorded, hasUnrecorded: applied.length === 0 && objects > 0 };
}

/**
 * Reads the history as {@link readHistory}; refuses a schema without records.
 *
 * @throws VmstateError when the database is neither empty nor at a migration, too
 */
export async function readRecordedHistory(client: ClientBase): Promise<History> {
  const history = await readHistory(client);
  if (history.hasUnrecorded) throw unrecorded();
  return history;
}

/**
 * Lists the migrations that the database does not have yet.
 *
 * A migration that only the database has is fine when it is newer and breaks nothing.
 *
 * @throws VmstateError when what it has is not what this package has
 */
export function pendingOf(
  migrations: readonly Migration[],
  applied: readonly Omit<Applied, "timeApplied">[],
): Migration[] {
  for (const [i, { number, name, isBreaking }] of applied.entries()) {
    const known = migrations[i];
    if (known === undefined && isBreaking) throw tooNew(name);
    if (known !== undefined && known.name !== name)
      throw new VmstateError(
        number > known.number
          ? `this database has schema migration ${name} without ${known.name}: they were not applied in order`
          : `this database has schema migration ${name}, and number ${number} of this vmstate is ${known.name}: another package made it`,
      );
  }
  return migrations.slice(applied.length);
}

interface State {
  hasChanges: boolean;
  hasRecords: boolean;
  /** How many objects the schema has, without node-pg-migrate's table. */
  objects: number;
}

async function readState(client: ClientBase): Promise<State> {
  const { rows } = await client.query<State>(`
    select to_regclass('vmstate.schema_change') is not null as "hasChanges",
      to_regclass('vmstate.pgmigrations') is not null as "hasRecords",
      (select count(*)::integer from pg_depend as d
        where d.refclassid = 'pg_namespace'::regclass and d.refobjid = to_regnamespace('vmstate') and d.deptype = 'n'
          and pg_describe_object(d.classid, d.objid, 0) !~ 'vmstate\\.pgmigrations') as objects`);
  const [state] = rows as [State];
  return state;
}

async function readApplied(client: ClientBase): Promise<Applied[]> {
  const { rows } = await client.query<Applied>(`
    select number, name, is_breaking as "isBreaking", time_applied as "timeApplied"
    from vmstate.schema_change order by number`);
  return rows;
}

async function readRecorded(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>("select name from vmstate.pgmigrations order by id");
  return rows.map(({ name }) => name);
}

function unrecorded(): VmstateError {
  return new VmstateError(
    "schema vmstate has objects, and vmstate.schema_change has no row: run `vmstate migrate`, which takes over a schema that equals a release, or see `vmstate doctor`",
  );
}

/**
 * Refuses two records of applied migrations that contradict each other.
 *
 * node-pg-migrate records a migration in the same transaction in which the row in schema_change is written.
 */
function requireOneAccount(applied: readonly Applied[], recorded: readonly string[]): void {
  const stranger = recorded.find((name, i) => applied[i]?.name !== name);
  if (stranger === undefined) return;
  throw new VmstateError(
    `vmstate.pgmigrations has ${stranger}, vmstate.schema_change does not: one of the two tables was changed by hand`,
  );
}

function tooNew(name: string): VmstateError {
  return new VmstateError(
    `this database has ${name}, a breaking schema migration that this vmstate does not know: use the release that has it`,
  );
}
