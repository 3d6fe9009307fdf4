import type postgres from "postgres";
import * as controlPlane from "../../../src/client/control-plane.js";
import * as operator from "../../../src/client/operator.js";
import * as sledAgent from "../../../src/client/sled-agent.js";
import * as updateSaga from "../../../src/client/update-saga.js";
import { DatabaseError, InvalidArgumentError } from "../../../src/errors/call-errors.js";
import { snakeCase } from "../../support/verbs.js";
import type { PurgeCall } from "./model/purge.js";
import { BOOT_LOOP } from "./model/restart.js";
import type { World } from "./model/world.js";

/** Every verb but those of access, by its name in TypeScript. */
const wrappers = { ...controlPlane, ...sledAgent, ...updateSaga, ...operator };

type Wrappers = typeof wrappers;

/** The name in SQL. */
type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : "";

/** What else happens to an instance: time goes by. */
interface Events {
  lease_expires: { instanceId: string };
  cooldown_elapses: { instanceId: string };
  guest_runs_for_long: { instanceId: string; propolisId: string };
  boots_in_a_loop: { instanceId: string };
  a_day_goes_by: { instanceId: string };
}

export type VerbArguments = {
  [Name in keyof Wrappers as SnakeCase<Name>]: Name extends "purge"
    ? PurgeCall
    : Exclude<Parameters<Wrappers[Name]>[1], { instanceId?: undefined; id: string }>;
};

/** Every verb with its arguments, and every event. */
export type Arguments = VerbArguments & Events;

export type Verb = keyof Arguments;

/** By the name of the wrapper, what the model makes of each verb. */
export type VerbRules<Result> = {
  [Name in keyof Wrappers]: (world: World, a: Arguments[SnakeCase<Name>]) => Result;
};
export type EventRules<Result> = { [Name in keyof Events]: (world: World, a: Events[Name]) => Result };

export type Call<V extends Verb = Verb> = { [K in V]: { verb: K; a: Arguments[K] } }[V];

type Act = (sql: postgres.ISql, a: never) => Promise<unknown>;

const EVENTS: { [E in keyof Events]: (sql: postgres.ISql, a: Events[E]) => Promise<unknown> } = {
  lease_expires: async (sql, { instanceId }) => {
    const { count } = await sql`
      update vmstate.instance set updater_lease_until = clock_timestamp() - interval '1 hour'
        where id = ${instanceId} and updater_lease_until is not null`;
    return { changed: count };
  },
  cooldown_elapses: async (sql, { instanceId }) => {
    const { count } = await sql`
      update vmstate.instance set time_last_auto_restarted = clock_timestamp() - interval '1 hour'
        where id = ${instanceId} and time_last_auto_restarted is not null`;
    return { changed: count };
  },
  // The guards refuse a time_started without a newer generation, so they are switched off.
  guest_runs_for_long: async (sql, { instanceId, propolisId }) => {
    const { count } = await sql`
      with unguarded as materialized (select set_config('session_replication_role', 'replica', true))
      update vmstate.vmm set time_started = clock_timestamp() - interval '1 hour' from unguarded
        where instance_id = ${instanceId} and id = ${propolisId} and time_started is not null`;
    return { changed: count };
  },
  boots_in_a_loop: async (sql, { instanceId }) => {
    const { count } = await sql`
      update vmstate.instance set auto_restart_attempts = ${BOOT_LOOP} where id = ${instanceId}`;
    return { changed: count };
  },
  a_day_goes_by: async (sql, { instanceId }) => {
    const [{ changed }] = await sql<[{ changed: number }]>`
      with unguarded as materialized (
        select clock_timestamp() - interval '1 day' as then, set_config('session_replication_role', 'replica', true)
      ), i as (
        update vmstate.instance set time_deleted = u.then from unguarded as u
          where id = ${instanceId} and time_deleted is not null returning id
      ), v as (
        update vmstate.vmm set time_deleted = u.then from unguarded as u
          where instance_id = ${instanceId} and time_deleted is not null returning id
      ), m as (
        update vmstate.migration set time_deleted = u.then from unguarded as u
          where instance_id = ${instanceId} and time_deleted is not null returning id
      )
      select count(*)::int as changed from (table i union all table v union all table m) as r`;
    return { changed };
  },
};

const ACTS = new Map<string, Act>([
  ...Object.entries<Act>(wrappers).map(([name, act]): [string, Act] => [snakeCase(name), act]),
  [
    "purge",
    async (sql, { hoursAgo, limit }: PurgeCall) =>
      await operator.purge(sql, { before: new Date(Date.now() - hoursAgo * 3_600_000), limit }),
  ],
  ...Object.entries<Act>(EVENTS),
]);

/** What the database answers: rows as `rows`, an exception as `error`. */
export async function perform<V extends Verb>(
  sql: postgres.ISql,
  { verb, a }: Call<V>,
): Promise<Record<string, unknown>> {
  try {
    const answer = await ACTS.get(verb)?.(sql, a as never);
    return Array.isArray(answer) ? { rows: answer } : { ...(answer as object) };
  } catch (error) {
    const code = error instanceof DatabaseError ? error.sqlState : undefined;
    if (error instanceof InvalidArgumentError && code === "VM001" && error.argument !== undefined)
      return { code, argument: `p_${snakeCase(error.argument)}` };
    return { error: String(error), ...(code !== undefined && { code }) };
  }
}
