import { randomInt } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createDatabase } from "../../support/database.js";
import { calledVerb } from "../../support/called-verb.js";
import { expectEveryVerb } from "../../support/every-verb.js";
import { camelCase } from "../../support/verbs.js";
import { mutate } from "../mutants/mutate.js";
import type { Call } from "./calls.js";
import { callAlone } from "./generators/call.js";
import { step } from "./model/rules.js";
import type { Answer } from "./model/step.js";
import { NOTHING, type World } from "./model/world.js";
import { Names } from "./names.js";
import { atDecisionPoints, atOnce } from "./decision-points.js";
import { runOracle } from "./oracle.js";
import { afterSomeOrder } from "./serializability.js";
import { Tokens } from "./tokens.js";

it("the database and the model agree on sequential and on concurrent calls", async () => {
  await using database = await createDatabase();
  const { found } = await runOracle(database, { seed: randomInt(2 ** 31), sequences: 40, rounds: 30 });
  expect(found).toEqual([]);
});

it.each([
  {
    name: "a replayed begin that is applied again",
    change: { file: "shared/rows/replayed_begin", from: "<> 'saga_unwound'", to: "= 'saga_unwound'" },
    last: /^begin_start$/,
  },
  {
    name: "an applied report of the row's own generation",
    change: {
      file: "verbs/sled_agent/report_vmm",
      from: "v.state_generation < p_generation AND NOT vmstate.is_absorbing(v.state)",
      to: "v.state_generation <= p_generation AND NOT vmstate.is_absorbing(v.state)",
    },
    last: /^(report_vmms?|settle)$/,
  },
])("finds $name, in at most 5 calls", async ({ change, last }) => {
  await using database = await createDatabase();
  await mutate(database.sql, change);
  const { found } = await runOracle(database, { seed: 5, sequences: 300, rounds: 0 });
  const calls = found.join().match(/(?<=^ {2}\d+\. )\w+/gm) ?? [];
  expect(found).toHaveLength(1);
  expect(calls.at(-1)).toMatch(last);
  expect(calls.length).toBeLessThanOrEqual(5);
});

it("finds a missing row lock", async () => {
  await using database = await createDatabase();
  await mutate(database.sql, { file: "shared/locks/lock_instance", from: "FOR NO KEY UPDATE", to: "" });
  const { found } = await runOracle(database, { seed: 1, sequences: 0, rounds: 300 });
  expect(found).toEqual([expect.stringContaining("no order of these calls explains all answers and rows")]);
});

it("every verb is among the calls that are generated", async () => {
  await using database = await createDatabase();
  await expectEveryVerb(database.sql, "test/verification/oracle/generators", generatedVerbs());
});

it("explains results by an order of the calls, if one exists", () => {
  const instanceId = "instance";
  const stopped = after(NOTHING, [
    {
      verb: "create_instance",
      a: { instanceId, projectId: "project", name: "a", intendedState: "stopped" },
    },
    { verb: "finish_instance_creation", a: { instanceId } },
  ]);
  const start = (id: string): Call => ({
    verb: "begin_start",
    a: { instanceId, sagaId: id, propolisId: id, sledId: "sled", propolisIp: "fd00::1" },
  });
  const refused = {
    call: start("first"),
    answer: step(after(stopped, [start("second")]), start("first")).answer,
  };
  const applied = ["first", "second"].map((id) => ({
    call: start(id),
    answer: step(stopped, start(id)).answer,
  }));
  const explained = (calls: { call: Call; answer: Answer }[]): World | undefined =>
    afterSomeOrder(
      stopped,
      calls.map(({ call, answer }) => ({ points: atOnce(call), answer })),
      () => true,
    );
  expect(explained([refused, ...applied.slice(1)])?.instances[instanceId]?.activePropolisId).toBe("second");
  expect(explained(applied)).toBeUndefined();
});

it("a call that was refused counts as one moment, also if its verb takes several", () => {
  const call: Call = {
    verb: "break_update",
    a: { instanceId: "instance", updaterGeneration: 1, reason: "" },
  };
  const { answer } = step(NOTHING, call);
  expect(answer).toEqual({ code: "VM001", argument: "p_reason" });
  expect(afterSomeOrder(NOTHING, [{ points: atDecisionPoints(call, answer), answer }], () => true)).toBe(
    NOTHING,
  );
});

function after(world: World, calls: readonly Call[]): World {
  return calls.reduce((before, call) => step(before, call).world, world);
}

/** The verbs of many generated calls, always the same ones, each made of what the calls before it left in the model. */
function generatedVerbs(): string[] {
  const at = { names: new Names("every verb"), tokens: new Tokens(), focus: null };
  const calls: Call[] = [];
  let world = NOTHING;
  for (const generated of fc.sample(callAlone, { seed: 1, numRuns: 2_000 })) {
    const call = generated({ ...at, world, calls });
    calls.push(call);
    ({ world } = step(world, call));
  }
  return calls.map(({ verb, a }) => calledVerb(camelCase(verb), a));
}
