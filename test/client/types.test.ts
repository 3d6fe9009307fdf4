import postgres from "postgres";
import ts from "typescript";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import * as api from "../../src/index.js";
import type {
  ApiInstanceState,
  BeginStartResult,
  BeginStartArguments,
  BeginUpdateResult,
  CommitUpdateResult,
  CreateInstanceArguments,
  CreateInstanceResult,
  FailSledArguments,
  FailVmmResult,
  FailVmmArguments,
  InstanceState,
  IntendedState,
  ReportedVmmState,
  ReportVmmResult,
  ReportVmmArguments,
  ReportVmmsResult,
  RequestStopResult,
  SqlClient,
  UnwindStartResult,
  Vmstate,
  VmmAddress,
  VmmState,
} from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import { expectEveryVerb } from "../support/every-verb.js";
import { snakeCase, verbsOf } from "../support/verbs.js";

// The compiler is what checks expectTypeOf: `npm run typecheck`.

describe("a client", () => {
  it("may be a pool, a transaction or a reserved connection, with custom types or without", () => {
    expectTypeOf<postgres.Sql>().toExtend<SqlClient>();
    expectTypeOf<postgres.TransactionSql>().toExtend<SqlClient>();
    expectTypeOf<postgres.ReservedSql>().toExtend<SqlClient>();
    expectTypeOf<postgres.Sql<{ bigint: bigint }>>().toExtend<SqlClient>();
    expectTypeOf<postgres.TransactionSql<{ bigint: bigint }>>().toExtend<SqlClient>();
    expectTypeOf<postgres.ReservedSql<{ bigint: bigint; date: string }>>().toExtend<SqlClient>();

    const custom = (): postgres.Sql<{ bigint: bigint }> => postgres({ types: { bigint: postgres.BigInt } });
    expectTypeOf(api.beginStart).toBeCallableWith(custom(), {} as BeginStartArguments);
    expectTypeOf<postgres.Row>().not.toExtend<SqlClient>();
  });

  it("may be bound: its methods are the package's functions without their first parameter", () => {
    expectTypeOf<Vmstate["beginStart"]>().toEqualTypeOf<
      (a: BeginStartArguments) => Promise<BeginStartResult>
    >();
    expectTypeOf<Vmstate["reportVmms"]>().toEqualTypeOf<
      (reports: readonly ReportVmmArguments[]) => Promise<ReportVmmsResult[]>
    >();
    expectTypeOf<Vmstate["pendingUpdates"]>()
      .parameter(0)
      .toEqualTypeOf<{ limit?: number | undefined } | undefined>();
    expectTypeOf<Vmstate>().not.toHaveProperty("migrate");
  });
});

/** Only its type counts: what is called here never runs. */
const client = {} as SqlClient;

describe("arguments", () => {
  it("are required without a default in the database, otherwise optional, undefined or null", () => {
    type Minimal = Pick<
      BeginStartArguments,
      "instanceId" | "sagaId" | "propolisId" | "sledId" | "propolisIp"
    >;
    expectTypeOf<Minimal>().toExtend<BeginStartArguments>();
    expectTypeOf<Omit<Minimal, "sledId">>().not.toExtend<BeginStartArguments>();
    expectTypeOf<BeginStartArguments["expectedGeneration"]>().toEqualTypeOf<number | null | undefined>();
    expectTypeOf<FailVmmArguments["reason"]>().not.toBeNullable();
  });

  it("do not allow a sled agent to report creating or saga_unwound", () => {
    expectTypeOf<ReportVmmArguments["state"]>().toEqualTypeOf<ReportedVmmState>();
    expectTypeOf<Exclude<VmmState, ReportedVmmState>>().toEqualTypeOf<"creating" | "saga_unwound">();
    expectTypeOf<ReportVmmArguments["time"]>().toEqualTypeOf<Date | string>();
  });

  it("list the reasons of a start, and no other text", () => {
    expectTypeOf<NonNullable<BeginStartArguments["startReason"]>>().toEqualTypeOf<"user" | "auto_restart">();
    const start = {} as BeginStartArguments;
    // @ts-expect-error: no start has this reason
    expectTypeOf(api.beginStart).toBeCallableWith(client, { ...start, startReason: "reboot" });
    // @ts-expect-error: a text may be any
    expectTypeOf(api.beginStart).toBeCallableWith(client, { ...start, startReason: start.sagaId });
  });

  it("let an instance be created to be running or stopped, and not as a guest or a deletion leaves it", () => {
    expectTypeOf<CreateInstanceArguments["intendedState"]>().toEqualTypeOf<"running" | "stopped">();
    expectTypeOf<Exclude<IntendedState, CreateInstanceArguments["intendedState"]>>().toEqualTypeOf<
      "guest_shutdown" | "destroyed"
    >();
    const of = {} as CreateInstanceArguments;
    // @ts-expect-error: only a guest shuts itself down
    expectTypeOf(api.createInstance).toBeCallableWith(client, { ...of, intendedState: "guest_shutdown" });
    // @ts-expect-error: only deleteInstance destroys
    expectTypeOf(api.createInstance).toBeCallableWith(client, { ...of, intendedState: "destroyed" });
  });

  it("list the reasons for which a caller fails a VMM, and no other text", () => {
    type Reason = "sled_agent_report" | "no_such_vmm" | "sled_expunged" | "sled_off" | "operator";
    expectTypeOf<FailVmmArguments["reason"]>().toEqualTypeOf<Reason>();
    expectTypeOf<FailSledArguments["reason"]>().toEqualTypeOf<Reason>();
    const failure = {} as FailVmmArguments;
    // @ts-expect-error: no VMM fails of this
    expectTypeOf(api.failVmm).toBeCallableWith(client, { ...failure, reason: "crashed" });
    // @ts-expect-error: a reason has to be given
    expectTypeOf(api.failVmm).toBeCallableWith(client, { ...failure, reason: null });
  });
});

/** What is left of a union after `if (answer[K] === value)`. */
type Narrowed<Answer, K extends PropertyKey, Value> =
  Answer extends Record<K, infer V> ? (Value extends V ? Answer : never) : never;

describe("a result narrows by its outcome:", () => {
  it("in a switch over outcomes", () => {
    const generationOf = (answer: BeginUpdateResult): number | undefined => {
      if (answer.outcome !== "applied") return undefined;
      expectTypeOf(answer).toEqualTypeOf<Narrowed<BeginUpdateResult, "outcome", "applied">>();
      return answer.updaterGeneration;
    };
    expectTypeOf(generationOf).returns.toEqualTypeOf<number | undefined>();
  });

  it("applied and unchanged have the instance, and no reason", () => {
    type Done = Narrowed<BeginStartResult, "outcome", "applied">;
    expectTypeOf<Done["reason"]>().toEqualTypeOf<null>();
    expectTypeOf<Done["state"]>().toEqualTypeOf<InstanceState>();
    expectTypeOf<Done["apiState"]>().toEqualTypeOf<ApiInstanceState>();
    expectTypeOf<Done["stateGeneration"]>().toEqualTypeOf<number>();
    expectTypeOf<Done["replacedPropolisId"]>().toEqualTypeOf<string | null>();
  });

  it("a conflict has a reason of that verb, and the instance", () => {
    type Conflict = Narrowed<BeginStartResult, "outcome", "conflict">;
    expectTypeOf<Conflict["reason"]>().toEqualTypeOf<
      | "creating"
      | "already_started"
      | "not_stopped"
      | "stale_generation"
      | "restart_not_permitted"
      | "propolis_id_taken"
    >();
    expectTypeOf<Conflict["state"]>().toEqualTypeOf<InstanceState>();
    expectTypeOf<Narrowed<CommitUpdateResult, "outcome", "conflict">["reason"]>().toEqualTypeOf<
      "lock_lost" | "stale_generation" | "plan_changed"
    >();
    expectTypeOf<Narrowed<UnwindStartResult, "outcome", "conflict">["reason"]>().toEqualTypeOf<
      "wrong_saga" | "migration_destination" | "handed_over"
    >();
  });

  it("not_found has no instance", () => {
    type NotFound = Narrowed<BeginStartResult, "outcome", "not_found">;
    expectTypeOf<NotFound["reason"]>().toEqualTypeOf<null>();
    expectTypeOf<NotFound["state"]>().toEqualTypeOf<null>();
    expectTypeOf<NotFound["instanceId"]>().toEqualTypeOf<null>();
    expectTypeOf<Narrowed<RequestStopResult, "outcome", "not_found">["commandPropolisIds"]>().toEqualTypeOf<
      string[]
    >();
    expectTypeOf<Narrowed<RequestStopResult, "outcome", "not_found">["commandVmms"]>().toEqualTypeOf<
      VmmAddress[]
    >();
    expectTypeOf<Narrowed<FailVmmResult, "outcome", "not_found">["updateNeeded"]>().toEqualTypeOf<false>();
    expectTypeOf<Narrowed<CreateInstanceResult, "outcome", "not_found">>().toBeNever();
  });

  it("a result has no outcome that its verb cannot return", () => {
    expectTypeOf<BeginStartResult["outcome"]>().toEqualTypeOf<
      "applied" | "unchanged" | "conflict" | "gone" | "not_found"
    >();
    expectTypeOf<FailVmmResult["outcome"]>().toEqualTypeOf<
      "applied" | "terminal" | "conflict" | "gone" | "not_found"
    >();
    expectTypeOf<ReportVmmResult["vmmOutcome"]>().toEqualTypeOf<
      "applied" | "stale" | "terminal" | "gone" | "not_found"
    >();
  });

  it("a plan has every argument of commit_update", () => {
    type Plan = Narrowed<BeginUpdateResult, "outcome", "applied">;
    expectTypeOf<Plan["updaterGeneration"]>().toEqualTypeOf<number>();
    expectTypeOf<Plan["planToken"]>().toEqualTypeOf<string>();
    expectTypeOf<Plan["network"]>().toEqualTypeOf<"keep" | "move" | "delete">();
    expectTypeOf<Plan["terminatePropolisIds"]>().toEqualTypeOf<string[]>();
    expectTypeOf<Plan["terminateVmms"]>().toEqualTypeOf<VmmAddress[]>();
    expectTypeOf<Plan["networkVmm"]>().toEqualTypeOf<VmmAddress | null>();
  });

  it("a report's result has the VMM unless the outcome is not_found", () => {
    expectTypeOf<Narrowed<ReportVmmResult, "vmmOutcome", "stale">["state"]>().toEqualTypeOf<VmmState>();
    expectTypeOf<Narrowed<ReportVmmResult, "vmmOutcome", "not_found">["state"]>().toEqualTypeOf<null>();
  });
});

describe("the reasons of a conflict", () => {
  const db = withDatabase();
  let bodies: Map<string, string>;
  let outcomes: string[];
  beforeAll(async () => {
    const functions = await db.sql<{ name: string; body: string }[]>`
      select proname as name, prosrc as body from pg_proc where pronamespace = 'vmstate'::regnamespace`;
    bodies = new Map(functions.map(({ name, body }) => [name, body]));
    const labels = await db.sql<
      { label: string }[]
    >`select unnest(enum_range(null::vmstate.outcome))::text as label`;
    outcomes = labels.map(({ label }) => label);
  });

  const verbs = ["control-plane", "sled-agent", "update-saga", "operator", "history", "access"].map((file) =>
    fileURLToPath(new URL(`../../src/client/${file}.ts`, import.meta.url)),
  );
  const typed = reasonsByFunction(verbs);

  it.each([...typed])("of %s are the same in TypeScript and in the database", (name, reasons) => {
    expect(reasons).toEqual(reasonsIn(snakeCase(name)));
  });

  it("are tested for every verb", async () => {
    const wrapped = [...typed.keys()].map(snakeCase);
    await expectEveryVerb(db.sql, "src/client", wrapped);
    expect(wrapped.sort()).toEqual(await verbsOf(db.sql, "src/client"));
    expect(typed.get("unlockUpdate")).toEqual(["lock_lost"]);
  });

  /** What a function's body (and what it leaves the naming of a reason to) answers as reason of a conflict. */
  function reasonsIn(name: string): string[] {
    const body = bodies.get(name);
    if (body === undefined) throw new Error(`no function vmstate.${name}`);
    const helper = /(?:v_reason :=|RETURN) vmstate\.(?!to_)(\w+)/.exec(body)?.[1];
    const literals = /(?:'conflict',|v_reason :=|\bTHEN|\bELSE|\bRETURN)\s+'(\w+)'(?!::)/g;
    const found = [...body.matchAll(literals)].map(([, literal]) => String(literal));
    const all = helper === undefined ? found : [...found, ...reasonsIn(helper)];
    return [...new Set(all)].filter((literal) => !outcomes.includes(literal)).sort();
  }
});

/** By exported function of these files, the strings that `reason` may be in its result. */
function reasonsByFunction(files: string[]): Map<string, string[]> {
  const program = ts.createProgram(files, {
    strict: true,
    module: ts.ModuleKind.NodeNext,
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const reasons = new Map<string, string[]>();
  for (const file of files) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (!source || !module) throw new Error(`${file} is no module`);
    for (const exported of checker.getExportsOfModule(module)) {
      const [signature] = checker.getTypeOfSymbolAtLocation(exported, source).getCallSignatures();
      const promised = signature && checker.getAwaitedType(signature.getReturnType());
      if (promised) reasons.set(exported.name, literalsOf(checker, promised, source).sort());
    }
  }
  return reasons;
}

function literalsOf(checker: ts.TypeChecker, type: ts.Type, at: ts.Node): string[] {
  const row = checker.getIndexTypeOfType(type, ts.IndexKind.Number) ?? type;
  const reason = row.getProperty("reason");
  if (reason === undefined) return [];
  const union = checker.getTypeOfSymbolAtLocation(reason, at);
  const members = union.isUnion() ? union.types : [union];
  return members.filter((member) => member.isStringLiteral()).map((member) => member.value);
}
