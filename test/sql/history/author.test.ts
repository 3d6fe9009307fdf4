import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { beginStart, runUpdate, settle, vmstate, withCause } from "../../../src/index.js";
import { VmstateError } from "../../../src/errors/vmstate-error.js";
import { withDatabase } from "../../support/database.js";
import { snakeCase } from "../../support/verbs.js";
import { type Actor, Actors, errorOf } from "../access/actors.js";
import type { Answer, Arguments, Verb } from "../../../src/simulator/checked-client.js";
import { type Call, callsOf, Lifecycle } from "../../support/lifecycle.js";
import { running, saying, starting, stopped } from "../scenario.js";

const db = withDatabase();
let actors: Actors;
let controlPlane: Actor;
let agent: Actor;
beforeAll(async () => {
  actors = new Actors(db);
  controlPlane = await actors.create("control_plane", ["control_plane"]);
  agent = await actors.create("agent", ["sled_agent"]);
});
afterAll(() => actors[Symbol.asyncDispose]());

let last: string;
beforeEach(async () => {
  const [row] = await db.sql<
    [{ last: string }]
  >`select coalesce(max(id), 0)::text as last from vmstate.history`;
  last = row.last;
});

interface Author {
  kind: string;
  role: string;
  verb: string | null;
  cause: string | null;
}

/** Who made the changes since the test began. */
async function authors(): Promise<Author[]> {
  return [
    ...(await db.sql<Author[]>`
      select kind::text, role, verb, cause from vmstate.history where id > ${last} order by id`),
  ];
}

describe("the verb of a change is", () => {
  it("the one that was called, for every verb of a life", async () => {
    const wrong: string[] = [];
    const verbs = vmstate(db.sql);
    const recording: Call = async <V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> => {
      const [{ before }] = await db.sql<[{ before: string }]>`
        select coalesce(max(id), 0)::text as before from vmstate.history`;
      const answer: Answer<V> = await callsOf(verbs)(verb, argument);
      const named = await db.sql<{ verb: string | null }[]>`
        select distinct verb from vmstate.history where id > ${before}`;
      const known = ["report_vmm_batch"].filter(() => verb === "reportVmms");
      wrong.push(
        ...named
          .filter((row) => row.verb !== snakeCase(verb) && !known.includes(String(row.verb)))
          .map((row) => `${verb} is recorded as ${String(row.verb)}`),
      );
      return answer;
    };
    const life = new Lifecycle(recording);
    await life.create();
    await life.failToStart();
    const vmm = await life.run();
    await life.plainly();
    await life.stop(await life.move(vmm));
    await life.restart();
    await life.loseSleds();
    await life.delete();
    expect(wrong).toEqual([]);
    const verbsSeen =
      await db.sql`select distinct verb from vmstate.history where id > ${last} and verb is not null`;
    expect(verbsSeen.length).toBeGreaterThanOrEqual(16);
  });

  it("settle, for all that settle does", async () => {
    const s = await running(db.sql);
    last = String((await db.sql`select max(id) as last from vmstate.history`)[0]?.["last"]);
    const report = { ...s, state: "destroyed" as const, generation: 3, time: new Date() };
    await settle(db.sql, { ...report, sagaId: randomUUID() });
    expect((await authors()).map(({ kind, verb }) => [kind, verb])).toEqual([
      ["vmm", "settle"],
      ["instance", "settle"],
      ["vmm", "settle"],
    ]);
  });

  it("null for a statement, also after a verb in its transaction", async () => {
    const s = await stopped(db.sql);
    await db.sql.begin(async (sql) => {
      await beginStart(sql, s.start);
      await sql`update vmstate.instance set intended_state = 'stopped' where id = ${s.instanceId}`;
    });
    expect((await authors()).at(-1)).toMatchObject({ kind: "instance", verb: null });
  });

  it("the saga of the call, and never that of an earlier verb", async () => {
    const s = await saying(db.sql, "destroyed");
    const sagaId = randomUUID();
    await db.sql.begin(async (sql) => {
      await runUpdate(sql, { ...s, sagaId });
      await sql`update vmstate.instance set intended_state = 'running' where id = ${s.instanceId}`;
    });
    const sagas = await db.sql`
      select verb, saga_id from vmstate.instance_history where instance_id = ${s.instanceId} order by id desc limit 2`;
    expect([...sagas]).toEqual([
      { verb: null, saga_id: null },
      { verb: "run_update", saga_id: sagaId },
    ]);
  });
});

describe("a role that may only call verbs cannot forge", () => {
  it("the verb, by setting vmstate.verb before or in a function of its own", async () => {
    const s = await starting(db.sql);
    const { role, sql } = controlPlane;
    await sql.unsafe(`create or replace function ${role}."vmstate.fail_vmm("(p_instance uuid, p_vmm uuid) returns void
      language plpgsql as $$
      begin
        perform set_config('vmstate.verb', 'fail_vmm', true);
        perform vmstate.report_vmm(p_instance, p_vmm, 'running', 5, now()) /* vmstate.fail_vmm( */;
      end $$`);
    await sql.begin(async (transaction) => {
      await transaction`set local vmstate.verb = 'purge'`;
      await transaction`select ${transaction(role)}."vmstate.fail_vmm("(${s.instanceId}, ${s.propolisId})`;
    });
    expect((await authors()).at(-1)).toMatchObject({ role, verb: "report_vmm" });
  });

  it("the role: it is that of SET ROLE, else the one that logged in", async () => {
    const { role, sql } = controlPlane;
    await stopped(sql);
    expect(new Set((await authors()).map((author) => author.role))).toEqual(new Set([role]));
    const switched = db.connect({ max: 1, connection: { role } });
    await stopped(switched);
    expect(new Set((await authors()).map((author) => author.role))).toEqual(new Set([role]));
  });

  it("the role, by letting a superuser's ANALYZE call the verb: that is refused", async () => {
    const { role, sql } = controlPlane;
    const s = await stopped(db.sql);
    await sql.unsafe(`
      create or replace function ${role}.trap(int) returns int language plpgsql immutable as $$
      begin
        perform vmstate.request_stop('${s.instanceId}'), vmstate.delete_instance('${s.instanceId}');
        return 1;
      end $$;
      create table ${role}.bait as select 1 as n;`);
    // The index is made while the function does nothing.
    await sql.unsafe(`
      create or replace function ${role}.harmless(n int) returns int language sql immutable return n;
      create index on ${role}.bait (${role}.harmless(n))`);
    await sql.unsafe(`create or replace function ${role}.harmless(n int) returns int language plpgsql immutable as
      $$ begin return ${role}.trap(n); end $$`);
    const error = await errorOf(db.sql.unsafe(`analyze ${role}.bait`));
    expect(error?.code).toBe("42501");
    expect(
      (await authors()).filter((author) => author.role !== role && author.verb === "delete_instance"),
    ).toEqual([]);
  });

  it("anything, as a sled agent that writes with the rights of the verb alone", async () => {
    const refused = await errorOf(
      agent.sql`insert into vmstate.history select * from vmstate.history limit 0`,
    );
    expect(refused?.code).toBe("42501");
    expect((await errorOf(agent.sql`select vmstate.record_new_vmm()`))?.code).toBe("42501");
    expect((await errorOf(agent.sql`select nextval('vmstate.history_id')`))?.code).toBe("42501");
  });
});

it("a role with rights on a table alone goes on writing it, and is recorded", async () => {
  const writer = await actors.create("writer", []);
  await db.sql.unsafe(`grant usage on schema vmstate to ${writer.role};
    grant select, insert, update on vmstate.instance, vmstate.vmm, vmstate.migration to ${writer.role}`);
  const s = await running(db.sql);
  await writer.sql`update vmstate.instance set intended_state = 'stopped' where id = ${s.instanceId}`;
  await writer.sql`update vmstate.vmm set state = 'stopping', state_generation = 9 where id = ${s.propolisId}`;
  expect((await authors()).slice(-2)).toEqual([
    { kind: "instance", role: writer.role, verb: null, cause: null },
    { kind: "vmm", role: writer.role, verb: null, cause: null },
  ]);
});

describe("withCause", () => {
  it("begins a transaction of a pool, whose changes have the cause, and no later ones", async () => {
    const s = await stopped(db.sql);
    const cause = "é".repeat(600);
    const answer = await withCause(db.sql, cause, (sql) => beginStart(sql, s.start));
    expect(answer).toMatchObject({ outcome: "applied" });
    await running(db.sql);
    const causes = (await authors()).map((author) => author.cause);
    expect(causes.filter((text) => text === "é".repeat(500))).toHaveLength(2);
    expect(causes.at(-1)).toBeNull();
  });

  it("puts back the cause that the transaction had, also after an error", async () => {
    const s = await stopped(db.sql);
    const fail = new Error("no");
    await db.sql.begin(async (sql) => {
      await withCause(sql, "outer", async (outer) => {
        await withCause(outer, "inner", async (inner) => {
          await beginStart(inner, s.start);
        });
        await expect(withCause(outer, "failing", () => Promise.reject(fail))).rejects.toBe(fail);
        await sql`update vmstate.instance set intended_state = 'stopped' where id = ${s.instanceId}`;
      });
      await sql`update vmstate.instance set intended_state = 'running' where id = ${s.instanceId}`;
    });
    expect((await authors()).slice(-4).map((author) => author.cause)).toEqual([
      "inner",
      "inner",
      "outer",
      null,
    ]);
  });

  it("leaves a transaction that failed as it is, and throws its error", async () => {
    const begun = db.sql.begin((sql) => withCause(sql, "why", () => sql`select 1 / 0`.execute()));
    await expect(begun).rejects.toMatchObject({ code: "22012" });
  });

  it("refuses a client without a transaction, and a cause that is no text", async () => {
    const query = (text: string, params: (string | null)[]): postgres.PendingQuery<postgres.Row[]> =>
      db.sql.unsafe(text, params);
    await expect(withCause({ query }, "why", () => Promise.resolve())).rejects.toThrow(
      new VmstateError(
        "withCause: the client is in no transaction, and a cause belongs to one: begin it first",
      ),
    );
    await expect(withCause(db.sql, undefined as unknown as string, () => Promise.resolve())).rejects.toThrow(
      /withCause/,
    );
    await expect(
      withCause({ query: () => Promise.reject(new Error("gone")) }, "why", () => Promise.resolve()),
    ).rejects.toThrow("gone");
  });
});
