import type postgres from "postgres";

/** What a change must look like in the history, by the contract; `time` and `id` are what the server makes them. */
export type Expected = Record<string, unknown>;

/** The old and the new row of a write. */
interface Written {
  place: string;
  xid: string;
  kind: "instance" | "vmm" | "migration";
  old: Row | null;
  new: Row;
}

type Row = Record<string, unknown>;

/**
 * Keeps both versions of each row that is written from now on, by triggers of its own: so the history is compared with
 * what happened, and not with what the recorder thinks of it.
 */
export async function audit(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(`
    create schema audit;
    create table audit.written (
      place bigint generated always as identity, xid xid8 not null, kind text not null, old jsonb, new jsonb not null);
    create function audit.write() returns trigger language plpgsql security definer set search_path = '' as $$
      begin
        insert into audit.written (xid, kind, old, new) values (pg_current_xact_id(), TG_ARGV[0],
          case when TG_OP = 'UPDATE' then to_jsonb(OLD) end, to_jsonb(NEW));
        return null;
      end $$;
    ${["instance", "vmm", "migration"]
      .map(
        (table) => `create trigger zz_audit after insert or update on vmstate.${table}
          for each row execute function audit.write('${table}');`,
      )
      .join("\n")}`);
}

/** What vmstate.history must hold of all that was audited, row by row in the order of the writes to the row. */
export async function expectedChanges(sql: postgres.Sql): Promise<Expected[]> {
  const written = await sql<Written[]>`
    select place, xid::text, kind, old, new from audit.written order by place`;
  return byRow(written.flatMap(changeOf));
}

/** What vmstate.history holds, without what expectedChanges does not know. */
export async function recordedChanges(sql: postgres.Sql): Promise<Expected[]> {
  const rows = await sql<{ row: Row }[]>`
    select to_jsonb(h) as row from vmstate.history as h order by h.id`;
  return byRow(
    rows.map(({ row }) =>
      Object.fromEntries(
        Object.entries(row).filter(([name, value]) => value !== null && !UNKNOWN.includes(name)),
      ),
    ),
  );
}

const UNKNOWN = ["time", "id", "role", "verb", "cause"];

function byRow(changes: Expected[]): Expected[] {
  const keyOf = (change: Expected): string => `${String(change["kind"])} ${String(change["row_id"])}`;
  return changes
    .map((change, place) => ({ change, place }))
    .sort((a, b) =>
      keyOf(a.change) < keyOf(b.change) ? -1 : keyOf(a.change) > keyOf(b.change) ? 1 : a.place - b.place,
    )
    .map(({ change }) => change);
}

function changeOf(written: Written): Expected[] {
  const { kind, old, new: row } = written;
  if (old !== null && WATCHED[kind].every((column) => old[column] === row[column])) return [];
  const change: Expected = {
    transaction_id: written.xid,
    kind,
    instance_id: kind === "instance" ? row["id"] : row["instance_id"],
    row_id: row["id"],
    deleted: row["time_deleted"] !== null,
    ...DESCRIBE[kind](old ?? {}, row),
  };
  return [
    Object.fromEntries(Object.entries(change).filter(([, value]) => value !== null && value !== undefined)),
  ];
}

/** A write that leaves all of these as they were is no change. */
const WATCHED = {
  instance: [
    ...["state", "state_generation", "active_propolis_id", "destination_propolis_id", "migration_id"],
    ...["intended_state", "time_deleted"],
  ],
  vmm: ["state", "failure_reason", "time_deleted"],
  migration: ["source_state", "destination_state", "time_deleted"],
};

const DESCRIBE = {
  instance: (old: Row, row: Row): Expected => ({
    generation: row["state_generation"],
    ...pair("state", old, row),
    ...pair("active_propolis_id", old, row),
    ...pair("destination_propolis_id", old, row),
    ...pair("migration_id", old, row),
    ...pair("intended_state", old, row),
    saga_id: sagaOf(old, row),
  }),
  vmm: (old: Row, row: Row): Expected => ({
    generation: row["state_generation"],
    ...pair("state", old, row),
    sled_id: row["sled_id"],
    failure_reason: row["failure_reason"],
    time_observed: row["time_state_updated"],
    saga_id: row["saga_id"],
  }),
  migration: (old: Row, row: Row): Expected => ({
    generation: Number(row["source_generation"]) + Number(row["destination_generation"]),
    old_state: old["source_state"],
    state: row["source_state"],
    ...pair("destination_state", old, row),
    source_propolis_id: row["source_propolis_id"],
    destination_propolis_id: row["destination_propolis_id"],
    saga_id: row["saga_id"],
  }),
};

function pair(column: string, old: Row, row: Row): Expected {
  return { [`old_${column}`]: old[column], [column]: row[column] };
}

/** Of a commit its saga; that of a begin is added by those who know it, since the row of the instance does not. */
function sagaOf(old: Row, row: Row): unknown {
  if (old["committed_updater_generation"] !== row["committed_updater_generation"])
    return row["committed_updater_id"];
  return undefined;
}
