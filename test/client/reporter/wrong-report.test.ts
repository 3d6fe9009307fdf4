import { randomUUID } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import {
  InvalidArgumentError,
  bindSledAgent,
  reporter,
  reportVmm,
  type ReportVmmArguments,
  type SqlClient,
} from "../../../src/index.js";
import { Actors } from "../../sql/access/actors.js";
import { running, type Scenario, vmm } from "../../sql/scenario.js";
import { createEmptyDatabase, withDatabase } from "../../support/database.js";
import { holdVmm, recorder } from "./recorder.js";

const db = withDatabase();
const actors = new Actors(db);
afterAll(() => actors[Symbol.asyncDispose]());

function reportOf({ instanceId, propolisId }: Scenario): ReportVmmArguments {
  return { instanceId, propolisId, state: "running", generation: 3, time: new Date() };
}

const fleet = (size: number): Promise<Scenario[]> =>
  Promise.all(Array.from({ length: size }, () => running(db.sql)));

/** What a call rejects with. */
async function errorOf(call: Promise<unknown>): Promise<Error> {
  const thrown: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof Error) return thrown;
  throw new Error("the call was not refused");
}

interface Told {
  message: string;
  code: unknown;
  detail: unknown;
}

const told = (error: Error): Told => ({
  message: error.message,
  code: Reflect.get(error, "code"),
  detail: Reflect.get(error, "detail"),
});

/** Reports of a fleet and, among them, a wrong one, which has to fail alone and as reportVmm makes it fail. */
async function expectToFailAlone(
  sql: SqlClient,
  { good, wrong }: { good: readonly Scenario[]; wrong: ReportVmmArguments },
): Promise<Told> {
  const { report } = reporter(sql);
  const half = good.length / 2;
  const before = good.slice(0, half).map((s) => report(reportOf(s)));
  const refused = errorOf(report(wrong));
  const after = good.slice(half).map((s) => report(reportOf(s)));
  for (const verdict of await Promise.all([...before, ...after]))
    expect(verdict).toMatchObject({ vmmOutcome: "applied", stateGeneration: 3 });
  const error = told(await refused);
  expect(error).toEqual(told(await errorOf(reportVmm(sql, wrong))));
  return error;
}

describe("fails alone", () => {
  const malformed: [string, string, object][] = [
    ["a generation that is null", "VM001", { generation: null }],
    ["a generation of 0", "VM001", { generation: 0 }],
    ["a generation that is no number", "22P02", { generation: Number.NaN }],
    ["a generation that is an object", "VM001", { generation: {} }],
    ["a state that no agent reports", "22P02", { state: "saga_unwound" }],
    ["an id that is no uuid", "22P02", { propolisId: "1" }],
    ["an id that is a number", "VM001", { propolisId: 1 }],
    ["a time that is none", "22007", { time: new Date(Number.NaN) }],
    ["half of a migration part", "VM001", { migrationInId: randomUUID() }],
  ];
  it.each(malformed)("%s", async (_, code, change) => {
    const [one, ...good] = await fleet(5);
    const wrong = { ...reportOf(one ?? (await running(db.sql))), ...change };
    expect(await expectToFailAlone(db.sql, { good, wrong })).toMatchObject({ code });
  });

  it("a VMM on another sled than the one that the role is bound to", async () => {
    const good = await fleet(6);
    const foreign = await running(db.sql);
    const agent = await actors.create("reporter", ["sled_agent"]);
    const sledId = randomUUID();
    await db.sql`
      with unguarded as materialized (select set_config('session_replication_role', 'replica', true))
      update vmstate.vmm set sled_id = ${sledId} from unguarded
        where id in ${db.sql(good.map(({ propolisId }) => propolisId))}`;
    await bindSledAgent(db.sql, { role: agent.role, sledId });
    expect(await expectToFailAlone(agent.sql, { good, wrong: reportOf(foreign) })).toMatchObject({
      code: "42501",
    });
    expect((await vmm(db.sql, foreign.propolisId))["state_generation"]).toBe(2);
  });

  it("a VMM whose row is locked for longer than lock_timeout", async () => {
    const good = await fleet(6);
    const locked = await running(db.sql);
    await using lock = await holdVmm(db, locked.propolisId);
    const sql = db.connect({ connection: { lock_timeout: 50 } });
    expect(await expectToFailAlone(sql, { good, wrong: reportOf(locked) })).toMatchObject({ code: "55P03" });
    await lock.release();
  });

  it("a report with an unknown key, before it is sent", async () => {
    const s = await running(db.sql);
    const wrong = { ...reportOf(s), generaton: 3 };
    const client = recorder(db.sql);
    const { report } = reporter(client);
    await expect(report(wrong)).rejects.toThrow(
      /^reportVmm: unknown key "generaton"; known keys: instanceId, /,
    );
    await expect(report(wrong)).rejects.toBeInstanceOf(InvalidArgumentError);
    expect(client.sizes).toEqual([]);
  });

  it("a report whose value has no text, before it is sent", async () => {
    const s = await running(db.sql);
    const { report, close } = reporter(db.sql);
    const wrong = { ...reportOf(s), state: Object.create(null) as "running" };
    await expect(report(wrong)).rejects.toBeInstanceOf(InvalidArgumentError);
    expect(await report(reportOf(s))).toMatchObject({ vmmOutcome: "applied" });
    await close();
  });
});

it("one wrong report among 32 costs few more statements, and every other report is sent in a batch", async () => {
  const [one, ...good] = await fleet(32);
  const client = recorder(db.sql);
  const { report } = reporter(client);
  const wrong = { ...reportOf(one ?? (await running(db.sql))), generation: 0 };
  const [refused, ...verdicts] = await Promise.all([
    errorOf(report(wrong)),
    ...good.map((s) => report(reportOf(s))),
  ]);
  expect(told(refused)).toMatchObject({ code: "VM001" });
  expect(verdicts.filter(({ vmmOutcome }) => vmmOutcome === "applied")).toHaveLength(31);
  // The batch, its first part, the reports of that part alone, and the other parts.
  const others = Array.from({ length: 7 }, () => 4);
  expect(client.sizes).toEqual([32, 4, 1, 1, 1, 1, ...others]);
});

it("several reports of one VMM keep their order around a wrong one", async () => {
  const s = await running(db.sql);
  const { report } = reporter(db.sql);
  const generations = [3, 4, 0, 5, 4, 6];
  const outcomes = await Promise.all(
    generations.map((generation) =>
      report({ ...reportOf(s), generation }).then(
        ({ vmmOutcome }) => vmmOutcome,
        (error: unknown) => told(error as Error).code,
      ),
    ),
  );
  expect(outcomes).toEqual(["applied", "applied", "VM001", "applied", "stale", "applied"]);
});

it("an error that is not the fault of a report rejects the whole batch, which is not sent again", async () => {
  await using empty = await createEmptyDatabase();
  const client = recorder(empty.sql);
  const { report } = reporter(client);
  const s = await running(db.sql);
  const errors = await Promise.all(
    [1, 2, 3].map(() => errorOf(report(reportOf({ ...s, propolisId: randomUUID() })))),
  );
  expect(errors.map((error) => told(error).code)).toEqual(["3F000", "3F000", "3F000"]);
  expect(client.sizes).toEqual([3]);
});

it("a client that loses rows is refused, and no caller is left without an answer", async () => {
  const losing: SqlClient = { query: () => Promise.resolve([]) };
  const { report, close } = reporter(losing);
  const s = await running(db.sql);
  const calls = [1, 2].map(() => report(reportOf({ ...s, propolisId: randomUUID() })));
  for (const call of calls)
    await expect(call).rejects.toThrow("the client answered fewer rows than it was sent reports");
  await close();
});
