import fc from "fast-check";
import type postgres from "postgres";
import { sizeOf, type Catalog, type Routine, type Slot } from "./catalog.js";
import { butSome, choice, type Choice, type Supply } from "./choice.js";
import { hostileText } from "./hostile-text.js";
import { ownText } from "./own-text.js";
import type { Subject } from "./population.js";
import { fits, malformedCalls } from "./malformed-call.js";
import { sentAs } from "./round-trip.js";
import { cast, list, writtenAll } from "./statement.js";
import { unknownKeyIn } from "./unknown-keys.js";
import { RoundTripError, type Target, type CallCase } from "./call-case.js";

type Given = Choice<string | null>;

/** Lists every function of the schema, as called from SQL. */
export function routineTargets(catalog: Catalog, subjects: readonly Subject[]): Target[] {
  return catalog.routines.map((routine) => {
    const given = choice(
      subjects,
      routine.arguments,
      textSupply(catalog, subjects),
      butSome(routine.arguments),
    );
    return {
      kind: routine.isVerb ? "verb" : "function",
      name: routine.name,
      size: sizeOf(routine.arguments),
      accepts: !isTrigger(routine) && !routine.name.startsWith("raise_"),
      cases: fc
        .tuple(given, malformedCalls(routine.arguments))
        .map(([given, malformed]) => callCaseOf(routine, malformed(given))),
    };
  });
}

export function textSupply(catalog: Catalog, subjects: readonly Subject[]): Supply<string | null> {
  return {
    own: (slot: Slot) => ownText(catalog, slot),
    hostile: (slot: Slot) => hostileText(catalog, subjects, slot),
  };
}

function callCaseOf(routine: Routine, given: Given): CallCase {
  const required = routine.arguments.filter((slot) => !slot.optional);
  const isCallable = fits(given, required, routine.arguments);
  return {
    title: () => `select vmstate.${routine.name}(${writtenAll(given)})`,
    client: "plain",
    act: (sql) => call(sql, routine, given),
    ...(routine.isVerb ? { verb: routine } : { internal: true }),
    writes: routine.name !== "explain_update",
    mayFailWith: (code) =>
      (code === "42883" && !isCallable) ||
      (code === "0A000" && isTrigger(routine)) ||
      (!routine.isVerb && /^(23|42501|VM)/.test(code)),
  };
}

async function call(sql: postgres.ISql, routine: Routine, given: Given): Promise<postgres.Row[]> {
  const values = [...given].map((one) => sql`${sql(one[0].name)} => ${cast(sql, one)}`);
  const called = sql`vmstate.${sql(routine.name)}(${list(sql, values)})`;
  if (isTrigger(routine)) return await sql`select ${called}`;
  // an outcome is called so even when it is all that the function returns
  const rows = await sql`select * from ${called} as outcome`;
  if (["create_instance", "rename_instance"].includes(routine.name)) await expectVerbatim(sql, given, rows);
  if (routine.name === "report_vmms") expectKnownKeys(given);
  return rows;
}

/** @throws RoundTripError unless the stored name is the given one, whatever it has in it */
async function expectVerbatim(
  sql: postgres.ISql,
  given: Given,
  rows: readonly postgres.Row[],
): Promise<void> {
  const name = [...given].find(([slot]) => slot.name === "p_name")?.[1];
  for (const row of rows.filter((row) => row["outcome"] === "applied")) {
    const [stored] = await sql`select name from vmstate.instance where id = ${String(row["instance_id"])}`;
    if (stored?.["name"] !== sentAs(String(name))) throw new RoundTripError("the name is another one");
  }
}

/** Expects of a call that was accepted that its reports have known keys only. */
function expectKnownKeys(given: Given): void {
  const text = [...given].find(([slot]) => slot.name === "p_reports")?.[1];
  const unknown = unknownKeyIn(JSON.parse(text ?? "[]"), "snake");
  if (unknown !== undefined) throw new RoundTripError(`an unknown key was accepted: ${unknown}`);
}

function isTrigger({ returns }: Routine): boolean {
  return returns === "pg_catalog.trigger";
}
