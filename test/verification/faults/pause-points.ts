import { randomInt } from "node:crypto";
import type { Sql } from "postgres";

/** Tables in which a verb writes, and the end of the transaction. */
export type PausePoint = "instance" | "vmm" | "migration" | "commit";

/** Holds a session up until it is disposed of. */
export interface Obstacle extends AsyncDisposable {
  /** What the session has to be started with. */
  settings: string;
}

/**
 * Installs triggers at which a session can be made to wait: just after it wrote a row of a table, or in its COMMIT.
 *
 * A session waits if its settings name the pause point, and closePausePoint holds the advisory lock that they name.
 */
export async function installPausePoints(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create schema if not exists faults;
    create function faults.wait_at_pause_point() returns trigger language plpgsql as $$
    begin
      if current_setting('faults.pause_point', true) = tg_argv[0] then
        perform pg_advisory_xact_lock_shared(current_setting('faults.key')::bigint);
      end if;
      return null;
    end;
    $$;
    create trigger faults_pause_point after insert or update on vmstate.instance
      for each row execute function faults.wait_at_pause_point('instance');
    create trigger faults_pause_point after insert or update on vmstate.vmm
      for each row execute function faults.wait_at_pause_point('vmm');
    create trigger faults_pause_point after insert or update on vmstate.migration
      for each row execute function faults.wait_at_pause_point('migration');
    create constraint trigger faults_commit after insert or update on vmstate.instance deferrable initially deferred
      for each row execute function faults.wait_at_pause_point('commit');
    create constraint trigger faults_commit after insert or update on vmstate.vmm deferrable initially deferred
      for each row execute function faults.wait_at_pause_point('commit');
  `);
}

/** Makes each session that was started with these settings wait at the pause point. */
export async function closePausePoint(sql: Sql, pausePoint: PausePoint): Promise<Obstacle> {
  const session = await sql.reserve();
  const key = randomInt(2 ** 47);
  await session`select pg_advisory_lock(${key})`;
  return {
    settings: `-c faults.pause_point=${pausePoint} -c faults.key=${key}`,
    [Symbol.asyncDispose]: async () => {
      await session`select pg_advisory_unlock(${key})`;
      session.release();
    },
  };
}

/** Makes each session wait that writes a row of the instance. */
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
