import { type Migration, recordOf } from "../../src/schema/files.js";
import type { Source } from "../../src/schema/sources.js";

/** A change of a file of `sql/` without which it cannot be installed on tables that are cut by the instance id. */
interface Rewrite {
  file: string;
  from: string | RegExp;
  to: string;
}

/** Of each table that is cut by the instance id. */
export const PARTITIONS = 4;

/** Where the partitions are: what the tests read of schema vmstate is the same as without them. */
export const SCHEMA = "vmstate_partitions";

/** A partitioned table has no storage parameters of its own; its partitions have. */
function cut(table: string, key: string): Rewrite {
  const partitions = Array.from(
    { length: PARTITIONS },
    (_, n) =>
      `CREATE TABLE ${SCHEMA}.${table}_${n} PARTITION OF vmstate.${table} FOR VALUES WITH (MODULUS ${PARTITIONS}, REMAINDER ${n}) WITH ($1);`,
  );
  return {
    file: `tables/${table}.sql`,
    from: /\) WITH \((fillfactor = \d+)\);/,
    to: [`) PARTITION BY HASH (${key});`, ...partitions].join("\n"),
  };
}

const REWRITES: readonly Rewrite[] = [
  { file: "schema.sql", from: /^/, to: `CREATE SCHEMA ${SCHEMA};\n` },
  cut("instance", "id"),
  cut("vmm", "instance_id"),
  cut("migration", "instance_id"),
  // A unique key has to have the column that the table is cut by.
  {
    file: "tables/instance.sql",
    from: "CREATE UNIQUE INDEX instance_name",
    to: "CREATE INDEX instance_name",
  },
  { file: "tables/vmm.sql", from: "id uuid NOT NULL UNIQUE", to: "id uuid NOT NULL" },
  { file: "tables/migration.sql", from: "id uuid NOT NULL UNIQUE", to: "id uuid NOT NULL" },
];

/** A generic plan locks every partition that it might read; a plan for the values at hand, only those that it reads. */
const GENERIC_PLANS = /SET plan_cache_mode = '?force_generic_plan'?/g;

/**
 * The files of `sql/` with the tables of instances, VMMs and migrations cut into partitions by the instance id, as a
 * sharded layout cuts them; and the record of the migrations that make the same schema.
 */
export function partitionedLayout(sources: readonly Source[], migrations: readonly Migration[]): string {
  const texts = sources.map(({ file, text }) =>
    REWRITES.filter((rewrite) => rewrite.file === file).reduce(rewritten, text),
  );
  const records = migrations.map(({ name, isBreaking }) => recordOf(name, isBreaking));
  return [...texts, ...records]
    .join("\n")
    .replaceAll(GENERIC_PLANS, "SET plan_cache_mode = force_custom_plan");
}

function rewritten(text: string, { file, from, to }: Rewrite): string {
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`sql/${file} has nothing like ${String(from)} to rewrite`);
  return changed;
}
