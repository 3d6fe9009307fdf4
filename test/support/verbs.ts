import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type postgres from "postgres";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What has to call, or to cover, every verb. */
export type Place =
  | "docs/model.md"
  | "src/client"
  | "test/bench/growth/life.ts"
  | "test/bench/growth/plans.test.ts"
  | "test/sql/access/life.ts"
  | "test/sql/interleavings/stress.test.ts"
  | "test/sql/verbs"
  | "test/verification/explore/steps.ts"
  | "test/verification/faults/random-writers.ts"
  | "test/verification/oracle/generators";

interface LeftOut {
  verbs: readonly string[];
  places: readonly Place[];
  why: string;
}

/** The one list of verbs that a place does without, and why. */
export const LEFT_OUT: readonly LeftOut[] = [
  {
    verbs: ["bind_sled_agent", "grant_access", "revoke_access"],
    places: [
      "test/bench/growth/life.ts",
      "test/bench/growth/plans.test.ts",
      "test/sql/interleavings/stress.test.ts",
      "test/verification/explore/steps.ts",
      "test/verification/faults/random-writers.ts",
      "test/verification/oracle/generators",
    ],
    why: "They change privileges and the sleds of roles, and neither read nor lock the row of an instance: test/sql/access tests them.",
  },
  {
    verbs: ["bind_sled_agent", "grant_access", "revoke_access"],
    places: ["test/sql/access/life.ts"],
    why: "Only the owner of the schema may call them, and the life is that of a role with the access control_plane.",
  },
  {
    verbs: ["bind_sled_agent", "revoke_access"],
    places: ["docs/model.md"],
    why: "The model is that of instances; grant_access stands there for the three functions that say who may call what.",
  },
  {
    verbs: ["report_vmm_batch"],
    places: ["src/client"],
    why: "The wrapper reportVmms calls it for every batch without a migration part.",
  },
  {
    verbs: ["purge"],
    places: ["test/bench/growth/life.ts"],
    why: "Its cost depends on the deleted rows that living VMMs need, not on the size of the tables: plans.test.ts counts what it reads.",
  },
  {
    verbs: ["instance_at", "maintain_history"],
    places: [
      "test/bench/growth/life.ts",
      "test/sql/interleavings/stress.test.ts",
      "test/verification/explore/steps.ts",
      "test/verification/faults/random-writers.ts",
      "test/verification/oracle/generators",
    ],
    why: "They read vmstate.history, or add and drop its partitions, and write no row of an instance: test/sql/history compares the history with every write, and plays maintain_history beside verbs.",
  },
  {
    verbs: ["maintain_history"],
    places: ["test/bench/growth/plans.test.ts"],
    why: "It reads the default partition from end to end, which has rows only when nobody called it in time.",
  },
  {
    verbs: ["instances_in_state"],
    places: [
      "src/client",
      "test/bench/growth/life.ts",
      "test/sql/interleavings/stress.test.ts",
      "test/verification/explore/steps.ts",
      "test/verification/faults/random-writers.ts",
      "test/verification/oracle/generators",
    ],
    why: "It only reads, for apiInstances and instanceDetails, and its test compares it with api_instance in every state.",
  },
];

/** The files of the verbs, from the root: those directly in a folder of sql/verbs. */
export const VERB_FILES: readonly string[] = readdirSync(`${ROOT}sql/verbs`, { recursive: true })
  .map((file) => `sql/verbs/${String(file)}`)
  .filter((file) => file.endsWith(".sql") && dirname(dirname(file)) === "sql/verbs")
  .sort();

/** The public functions of a database: those that run with the rights of the owner and are no triggers, and those of sql/verbs. */
export async function readVerbs(sql: postgres.ISql): Promise<string[]> {
  const files = VERB_FILES.map((file) => basename(file, ".sql"));
  const verbs = await sql<{ name: string }[]>`
    select distinct proname as name from pg_proc
      where pronamespace = 'vmstate'::regnamespace and (prosecdef and prorettype <> 'trigger'::regtype or proname = any (${files}))
      order by proname`;
  return verbs.map(({ name }) => name);
}

/** The verbs that the place has to cover. */
export async function verbsOf(sql: postgres.ISql, place: Place): Promise<string[]> {
  const without = leftOutOf(place);
  return (await readVerbs(sql)).filter((verb) => !without.includes(verb));
}

/**
 * What is wrong with the verbs that a place covers, one line each: a verb that the place forgot, and an entry of the list
 * above that is not needed.
 */
export async function forgottenVerbs(
  sql: postgres.ISql,
  place: Place,
  covered: Iterable<string>,
): Promise<string[]> {
  const found = new Set(covered);
  const verbs = await readVerbs(sql);
  const without = leftOutOf(place);
  return [
    ...verbs
      .filter((verb) => !found.has(verb) && !without.includes(verb))
      .map((verb) => `${place} lacks ${verb}: add it there, or to LEFT_OUT in test/support/verbs.ts`),
    ...without
      .filter((verb) => found.has(verb) || !verbs.includes(verb))
      .map((verb) => `${place} needs no ${verb} in LEFT_OUT of test/support/verbs.ts`),
  ];
}

/** The verb's name in TypeScript. */
export function camelCase(verb: string): string {
  return verb.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The verb's name in SQL. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The verbs that the place does without. */
export function leftOutOf(place: Place): string[] {
  return LEFT_OUT.filter(({ places }) => places.includes(place)).flatMap(({ verbs }) => verbs);
}
