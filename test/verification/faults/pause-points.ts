import { randomInt } from "node:crypto";
import type { Sql } from "postgres";

/** Tables in which a verb writes, and the end of the transaction. */
export type Gate = "instance" | "vmm" | "migration" | "commit";

/** Holds a session up until it is disposed of. */
export interface Obstacle extends AsyncDisposable {
  /** What the session has to be started with. */
  settings: string;
}

/**
 * Lets a session that asks for it wait in the middle of a verb, just after it wrote a row of a table, or in the middle
 * of its COMMIT.
 */
export async function installGates(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create schema if not exists chaos;
    create function chaos.wait_at_gate() returns trigger language plpgsql as $$
    begin
      if current_setting('chaos.gate', true) = tg_argv[0] then
        perform pg_advisory_xact_lock_shared(current_setting('chaos.key')::bigint);
      end if;
      return null;
    end;
    $$;
    create trigger chaos_gate after insert or update on vmstate.instance
      for each row execute function chaos.wait_at_gate('instance');
    create trigger chaos_gate after insert or update on vmstate.vmm
      for each row execute function chaos.wait_at_gate('vmm');
    create trigger chaos_gate after insert or update on vmstate.migration
      for each row execute function chaos.wait_at_gate('migration');
    create constraint trigger chaos_commit after insert or update on vmstate.instance deferrable initially deferred
      for each row execute function chaos.wait_at_gate('commit');
    create constraint trigger chaos_commit after insert or update on vmstate.vmm deferrable initially deferred
      for each row execute function chaos.wait_at_gate('commit');
  `);
}

export async function closeGate(sql: Sql, gate: Gate): Promise<Obstacle> {
  const session = await sql.reserve();
  const key = randomInt(2 ** 47);
  await session`select pg_advisory_lock(${key})`;
  return {
    settings: `-c chaos.gate=${gate} -c chaos.key=${key}`,
    [Symbol.asyncDispose]: async () => {
      await session`select pg_advisory_unlock(${key})`;
      session.release();
    },
  };
}

/** No other session can write the rows of the instance. */
export async function lockRows(sql: Sql, instanceId: string): Promise<Obstacle> {
  const session = await sql.reserve();
  await session`begin`;
  await session`select from vmstate.instance where id = ${instanceId} for update`;
  await session`select from vmstate.vmm where instance_id = ${instanceId} for update`;
  return {
    settings: "",
    [Symbol.asyncDispose]: async () => {
      await session`rollback`;
      session.release();
    },
  };
}
