import postgres from "postgres";
import type { Parameter, Verb } from "./catalog.js";

/** A value of each type that every verb takes, so that a verb has nothing to refuse but the probed argument. */
const VALUES: Record<string, string> = {
  bigint: "2",
  boolean: "true",
  inet: "fd00::1",
  integer: "1",
  interval: "1 minute",
  jsonb: "[]",
  name: "nobody",
  text: "text",
  "timestamp with time zone": "2000-01-01T00:00:00Z",
  uuid: "00000000-0000-4000-8000-000000000001",
  "uuid[]": "{}",
};

/** What no verb lists, so that only a verb that takes any text takes it. */
const NO_LABEL = "no label of anything";

class RolledBack extends Error {}

/**
 * Finds the labels that a verb accepts where it does not accept all: it asks the verb itself.
 *
 * The labels of an argument of type text are looked for among the words of the verb's comment.
 *
 * @returns undefined for an argument that takes each value of its type, or no word
 */
export async function acceptedLabels(
  sql: postgres.Sql,
  verb: Verb,
  parameter: Parameter,
  enums: ReadonlyMap<string, string[]>,
): Promise<string[] | undefined> {
  const labels = enums.get(parameter.type);
  if (labels === undefined && parameter.type !== "text") return undefined;
  const candidates = labels ?? [NO_LABEL, ...new Set(verb.comment.match(/\w+/g))];
  const accepted: string[] = [];
  for (const label of candidates)
    if (await accepts(sql, verb, argumentsOf(verb, enums, [parameter, label]), parameter.name))
      accepted.push(label);
  // A text of which no word is accepted is no list of labels: it has a form, as a digest has.
  const isFree = accepted.length === labels?.length || accepted.length === 0 || accepted.includes(NO_LABEL);
  return isFree ? undefined : accepted;
}

function argumentsOf(
  { parameters }: Verb,
  enums: ReadonlyMap<string, string[]>,
  [probed, label]: readonly [Parameter, string],
): [Parameter, string][] {
  return parameters.map((parameter) => [
    parameter,
    parameter === probed ? label : (VALUES[parameter.type] ?? enums.get(parameter.type)?.[0] ?? ""),
  ]);
}

/** Calls the verb in a transaction that is rolled back. */
async function accepts(
  sql: postgres.Sql,
  { name }: Verb,
  given: [Parameter, string][],
  probed: string,
): Promise<boolean> {
  const list = given.map(([{ name, type }], at) => `${name} => $${at + 1}::text::${type}`);
  const values = given.map(([, value]) => value);
  try {
    await sql.begin(async (tx) => {
      await tx.unsafe(`select vmstate.${name}(${list.join(", ")})`, values);
      throw new RolledBack();
    });
  } catch (error) {
    return !isRefusalOf(error, probed);
  }
  return true;
}

/** Tells whether the verb names the probed argument as invalid; any other error means that it got past that. */
function isRefusalOf(error: unknown, argument: string): boolean {
  if (!(error instanceof postgres.PostgresError) || error.code !== "VM001") return false;
  return error.message.endsWith(`: invalid argument ${argument}`);
}
