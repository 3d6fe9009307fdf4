import { type Migration, recordOf } from "../../src/schema/files.js";
import type { Source } from "../../src/schema/sources.js";

/** A change of a file of `sql/` without which it cannot be installed on tables that are partitioned by the instance id. */
interface Rewrite {
  file: string;
  from: string | RegExp;
  to: string;
}

/** Where the partitions are: what the tests read of schema vmstate is the same as without them. */
export const SCHEMA = "vmstate_partitions";

export interface Layout {
  /** How many partitions each of the three tables has. */
  partitions: number;
  /**
   * Whether verbs plan for the values at hand: such a plan locks only the partitions that it reads. A plan that is kept
   * locks all of them, and costs less.
   */
  customPlans: boolean;
}

/** Makes a table partitioned. Only its partitions have storage parameters. */
function partition(table: string, key: string, count: number): Rewrite {
  const partitions = Array.from(
    { length: count },
    (_, n) =>
      `CREATE TABLE ${SCHEMA}.${table}_${n} PARTITION OF vmstate.${table} FOR VALUES WITH (MODULUS ${count}, REMAINDER ${n}) WITH ($1);`,
  );
  return {
    file: `tables/${table}.sql`,
    from: /\) WITH \((fillfactor = \d+)\);/,
    to: [`) PARTITION BY HASH (${key});`, ...partitions].join("\n"),
  };
}

/**
 * Lets a step of a batch read all partitions of a table instead of choosing one for each report.
 *
 * PostgreSQL 18 (18.4 at least) ends the server with a segmentation fault where a statement chooses partitions while it runs,
 * and locks rows in a part of it that it runs again: after a lock for which it waited, it chooses by memory that it has freed.
 * A row that another session changed meanwhile is enough, no partition need be attached or dropped.
 */
function unpruned(step: string): Rewrite {
  return {
    file: `verbs/sled_agent/steps/${step}.sql`,
    from: "SET search_path = ''",
    to: "SET search_path = ''\nSET enable_partition_pruning = off",
  };
}

function rewritesFor(partitions: number): Rewrite[] {
  return [
    { file: "schema.sql", from: /^/, to: `CREATE SCHEMA ${SCHEMA};\n` },
    partition("instance", "id", partitions),
    partition("vmm", "instance_id", partitions),
    partition("migration", "instance_id", partitions),
    // A unique key has to have the column by which the table is partitioned.
    {
      file: "tables/instance.sql",
      from: "CREATE UNIQUE INDEX instance_name",
      to: "CREATE INDEX instance_name",
    },
    { file: "tables/vmm.sql", from: "id uuid NOT NULL UNIQUE", to: "id uuid NOT NULL" },
    { file: "tables/migration.sql", from: "id uuid NOT NULL UNIQUE", to: "id uuid NOT NULL" },
    unpruned("apply_vmm_parts"),
    unpruned("apply_vmm_parts_with_repeats"),
  ];
}

/**
 * Writes the files of `sql/` with the tables of instances, VMMs and migrations partitioned by the instance id, as in a
 * sharded layout, and the record of the schema migrations that make the same schema.
 */
export function partitionedLayout(
  sources: readonly Source[],
  migrations: readonly Migration[],
  { partitions, customPlans }: Layout,
): string {
  const rewrites = rewritesFor(partitions);
  const texts = sources.map(({ file, text }) =>
    rewrites.filter((rewrite) => rewrite.file === file).reduce(rewritten, text),
  );
  const records = migrations.map(({ name, isBreaking }) => recordOf(name, isBreaking));
  const text = [...texts, ...records].join("\n");
  return customPlans ? text.replaceAll(GENERIC_PLANS, "SET plan_cache_mode = force_custom_plan") : text;
}

const GENERIC_PLANS = /SET plan_cache_mode = '?force_generic_plan'?/g;

function rewritten(text: string, { file, from, to }: Rewrite): string {
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`sql/${file} has nothing like ${String(from)} to rewrite`);
  return changed;
}
