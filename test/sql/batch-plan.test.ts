import type postgres from "postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.js";

const ROWS = 20_000;
const ARGUMENTS = [
  "p_instance_ids",
  "p_propolis_ids",
  "p_states",
  "p_generations",
  "p_times",
  "p_sleds",
  "v_now",
];

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

/** Reads the statement of the function, with $1, $2 … for its arguments, and the settings that the function sets. */
async function readStatement(sql: postgres.ISql): Promise<{ statement: string; settings: string[] }> {
  const [row] = await sql<[{ text: string; settings: string[] }]>`
    select prosrc as text, proconfig as settings from pg_proc where oid = 'vmstate.apply_plain_reports'::regproc`;
  // A run that measures coverage has put statements of its own before it.
  const [, body = ""] = /(WITH apply_reports.*?);\nEND;/s.exec(row.text) ?? [];
  const statement = ARGUMENTS.reduce(
    (text, name, at) => text.replaceAll(name, `$${at + 1}`),
    body.replace("INTO applied, update_needed ", ""),
  );
  return { statement, settings: row.settings };
}

interface Plan {
  "Node Type": string;
  Alias?: string;
  "Index Name"?: string;
  "Parent Relationship"?: string;
  Plans?: Plan[];
}

/** The plan of a batch of so many reports, as the function plans it. */
async function planOf(sql: postgres.Sql, size: number): Promise<Plan> {
  return await sql.begin(async (sql) => {
    const { statement, settings } = await readStatement(sql);
    for (const setting of settings) {
      const [name = "", value = ""] = setting.split("=");
      await sql`select set_config(${name}, ${value.replace(/^""$/, "")}, true)`;
    }
    const types =
      "uuid[], uuid[], vmstate.reported_vmm_state[], bigint[], timestamptz[], uuid[], timestamptz";
    await sql.unsafe(`prepare batch (${types}) as ${statement}`);
    // Which ids there are does not matter to a generic plan.
    const some = (value: string): string => `array_fill(${value}, array[${size}])`;
    const id = some("gen_random_uuid()");
    const values = [id, id, some("'running'::vmstate.reported_vmm_state"), some("3::bigint"), some("now()")];
    const [row] = await sql.unsafe<{ "QUERY PLAN": [{ Plan: Plan }] }[]>(
      `explain (format json) execute batch (${values.join()}, null, now())`,
    );
    await sql`deallocate batch`;
    if (row === undefined) throw new Error("no plan");
    return row["QUERY PLAN"][0].Plan;
  });
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** The join of reports and rows: the sorted reports outside, and for each a look into an index of VMMs. */
function expectOrdered(plan: Plan): void {
  const nodes = nodesOf(plan);
  const joins = nodes.filter((node) => /Join|Nested Loop/.test(node["Node Type"]));
  expect(joins.map((node) => node["Node Type"])).toEqual(["Nested Loop"]);
  const [outer, inner] = joins[0]?.Plans ?? [];
  expect(outer).toMatchObject({ "Node Type": "Subquery Scan", Plans: [{ "Node Type": "Sort" }] });
  expect(inner).toMatchObject({ "Node Type": "Index Scan", Alias: "v" });
  expect(inner?.["Index Name"]).toMatch(/^vmm_(pkey|id_key)$/);
}

async function plant(sql: postgres.Sql, count: number): Promise<void> {
  await sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await sql`
      insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, state, state_generation, time_unlinked)
        select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '10.0.0.1', gen_random_uuid(), 'running', 2, null
        from generate_series(1, ${count}::int)`;
  });
}

it("a batch is joined in the order of the ids by an index, whatever its size and that of the table", async () => {
  for (const grown of [0, 1, 1, 3, 95, ROWS]) {
    await plant(db.sql, grown);
    for (const analyze of [false, true]) {
      if (analyze) await db.sql`vacuum analyze vmstate.vmm`;
      for (const size of [1, 10, 100, 1_000]) expectOrdered(await planOf(db.sql, size));
    }
  }
});
