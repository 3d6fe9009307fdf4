import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import * as api from "../../src/index.js";
import { ARGUMENTS } from "../../src/client/generated.js";
import { apiInstance } from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import { running, stopped } from "../../src/testing/index.js";

/** A client by which nothing may be sent. */
const unused: api.SqlClient = { query: () => Promise.reject(new Error("something was sent")) };

type Call = (sql: api.SqlClient, a: unknown) => Promise<unknown>;

const FUNCTIONS = new Map(Object.entries(api).map(([name, call]) => [name, call as unknown as Call]));

async function refusal(name: string, a: unknown): Promise<api.InvalidArgumentError> {
  const call = FUNCTIONS.get(name);
  if (call === undefined) throw new Error(`no function ${name}`);
  const error = await call(unused, a).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(api.InvalidArgumentError);
  const refused = error as api.InvalidArgumentError;
  expect(refused).toMatchObject({ verb: name, code: "VM001", sqlState: "VM001", cause: undefined });
  expect(refused.message.startsWith(name)).toBe(true);
  expect(refused.hint).toContain("Nothing was sent");
  return refused;
}

const VALUES: Record<string, unknown> = {
  id: randomUUID(),
  text: "text",
  number: 1,
  boolean: true,
  any: "any",
};

function complete(kinds: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) => [name, VALUES[kind.replace("?", "")]]),
  );
}

const VERBS = Object.entries(ARGUMENTS).filter(([name]) => name !== "reportVmms");

describe.each(VERBS)("%s", (verb, kinds: Readonly<Record<string, string>>) => {
  const required = Object.keys(kinds).filter((name) => !kinds[name]?.endsWith("?"));

  it("refuses to be called without arguments", async () => {
    for (const [a, word] of [
      [undefined, "undefined"],
      [null, "null"],
      ["text", "string"],
    ])
      expect((await refusal(verb, a)).message).toBe(
        `${verb} takes an object of arguments, not ${String(word)}`,
      );
  });

  it("names each required argument that is missing, and sends nothing", async () => {
    for (const name of required) {
      const a = { ...complete(kinds), [name]: undefined };
      expect(await refusal(verb, a)).toMatchObject({
        argument: name,
        message: `${verb}: ${name} is missing`,
      });
    }
  });

  it("names an argument that has no text", async () => {
    for (const name of Object.keys(kinds).filter((name) => !kinds[name]?.startsWith("any")))
      for (const value of [{}, [randomUUID()], Symbol("x"), () => "x", { toString: null }]) {
        const refused = await refusal(verb, { ...complete(kinds), [name]: value });
        expect(refused.argument).toBe(name);
        expect(refused.message).toMatch(
          new RegExp(`^${verb}: ${name} must be a (string|text|number|boolean), not `),
        );
      }
  });

  it("names an id that is no string", async () => {
    for (const name of Object.keys(kinds).filter((name) => kinds[name]?.startsWith("id")))
      for (const value of [1, 5n, true])
        expect(await refusal(verb, { ...complete(kinds), [name]: value })).toMatchObject({
          argument: name,
          message: `${verb}: ${name} must be a string, not ${typeof value}`,
        });
  });

  it("sends a call whose arguments have the right types or are null", async () => {
    const call = FUNCTIONS.get(verb);
    const sent = complete(kinds);
    for (const a of [sent, ...Object.keys(kinds).map((name) => ({ ...sent, [name]: null }))])
      await expect(call?.(unused, a)).rejects.toThrow("something was sent");
  });
});

const db = withDatabase();

describe("an argument", () => {
  it("may be left out, undefined or null, if it is optional", async () => {
    const f = await stopped(db.sql);
    const left = { propolisPort: undefined, startReason: null };
    expect(await api.beginStart(db.sql, { ...f, ...left })).toMatchObject({ outcome: "applied" });
  });

  it("is named when it is misspelt, and would be left out silently", async () => {
    const f = await running(db.sql);
    const misspelt = { ...f, reason: "operator", expected_generation: 1 };
    expect(await refusal("failVmm", misspelt)).toMatchObject({
      argument: "expected_generation",
      message: 'failVmm: unknown key "expected_generation"; did you mean "expectedGeneration"?',
    });
    expect(await refusal("failVmm", { ...f, propolisId: undefined, vmmId: "x" })).toMatchObject({
      argument: "propolisId",
      message: expect.stringContaining("propolisId is missing; keys that failVmm does not know: ") as unknown,
    });
  });

  it("may stand beside keys of a larger object", async () => {
    const f = await running(db.sql);
    const larger = { ...f, instance_id: f.instanceId, note: 1 };
    expect(await api.requestStop(db.sql, larger)).toMatchObject({ outcome: "applied" });
  });

  it("may be an object with a text, as a library's id is", async () => {
    const f = await running(db.sql);
    const id = new (class {
      toString(): string {
        return f.instanceId;
      }
    })();
    expect(await api.requestStop(db.sql, { instanceId: id as never })).toMatchObject({ outcome: "applied" });
  });
});

describe("a report", () => {
  const report = {
    ...{ instanceId: randomUUID(), propolisId: randomUUID(), state: "running", generation: 2 },
    time: new Date(),
  };

  it("may have no unknown key", async () => {
    expect(await refusal("reportVmm", { ...report, migrationOutID: undefined })).toMatchObject({
      argument: "migrationOutID",
      message: expect.stringMatching(
        /^reportVmm: unknown key "migrationOutID"; known keys: instanceId, /,
      ) as unknown,
    });
  });

  it("is named by its place in a batch", async () => {
    expect(await refusal("reportVmms", [report, { ...report, state: undefined }])).toMatchObject({
      ...{ argument: "state", message: "reportVmms: element 2: state is missing" },
    });
    expect((await refusal("reportVmms", [{ ...report, note: 1 }])).message).toMatch(
      /^reportVmms: element 1: unknown key "note"/,
    );
    expect(await refusal("reportVmms", undefined)).toMatchObject({ argument: "reports" });
  });
});

describe("a function that reads a view", () => {
  it.each([
    ["apiInstance", "instanceId"],
    ["apiVmms", "instanceId"],
    ["apiInstances", "projectId"],
  ])("%s names the missing %s", async (name, argument) => {
    expect(await refusal(name, {})).toMatchObject({ argument, message: `${name}: ${argument} is missing` });
  });

  it.each([
    ...["pendingUpdates", "abandonedVmms", "orphanedVmms", "restartableInstances", "watchedVmms"],
    ...["stuckInstances", "silentSleds", "invariantViolations"],
  ])("%s refuses a limit without a text", async (name) => {
    expect(await refusal(name, { limit: {} })).toMatchObject({ argument: "limit" });
  });
});

describe("the id of an instance", () => {
  const create = { projectId: randomUUID(), intendedState: "running" } as const;

  it("is instanceId everywhere; id is still taken", async () => {
    for (const key of ["instanceId", "id"] as const) {
      const instanceId = randomUUID();
      const id = { [key]: instanceId } as { instanceId: string };
      expect(await api.createInstance(db.sql, { ...create, ...id, name: instanceId })).toMatchObject({
        ...{ outcome: "applied", instanceId },
      });
      expect(await api.finishInstanceCreation(db.sql, id)).toMatchObject({ outcome: "applied", instanceId });
    }
  });

  it("is instanceId in the rows of api_instance, and that of a VMM propolisId in those of api_vmm", async () => {
    const f = await running(db.sql);
    const row = await apiInstance(db.sql, f);
    expect(row).toMatchObject({ id: f.instanceId, instanceId: f.instanceId });
    expect(await api.finishInstanceCreation(db.sql, row ?? { instanceId: "" })).toMatchObject({
      outcome: "unchanged",
    });
    expect(await api.apiVmms(db.sql, f)).toMatchObject([{ id: f.propolisId, propolisId: f.propolisId }]);
  });

  it("is refused when instanceId and id differ", async () => {
    const both = { instanceId: randomUUID(), id: randomUUID() };
    for (const name of ["createInstance", "finishInstanceCreation"])
      expect(await refusal(name, both)).toMatchObject({
        ...{ argument: "id", message: `${name}: id is another than instanceId; give instanceId alone` },
      });
  });
});
