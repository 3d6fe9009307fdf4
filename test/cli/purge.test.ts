import type postgres from "postgres";
import { expect, it } from "vitest";
import { vmstate } from "../../src/client/bind.js";
import { withDatabase } from "../support/database.js";
import { runCli, TestHost } from "./run-cli.js";
import { Scenario } from "./scenario.js";

const db = withDatabase();

const args = (...more: string[]): string[] => ["purge", "--database-url", db.url, ...more];

/** An instance that ran, was deleted with its VMM, and all of it `age` ago. */
async function deletedSince(sql: postgres.Sql, age: string): Promise<void> {
  const scenario = await new Scenario(sql).createStopped();
  const { instanceId } = scenario;
  const verbs = vmstate(sql);
  const propolisId = await scenario.startAndUnwind();
  await verbs.deleteInstance({ instanceId });
  await verbs.deleteVmm({ instanceId, propolisId });
  await sql.begin(async (sql) => {
    for (const table of ["instance", "vmm"]) {
      await sql.unsafe(`alter table vmstate.${table} disable trigger user`);
      await sql.unsafe(`update vmstate.${table} set time_deleted = now() - interval '${age}'`);
      await sql.unsafe(`alter table vmstate.${table} enable trigger user`);
    }
  });
}

it("removes rows deleted before --older-than in batches, and prints their number", async () => {
  for (let rows = 0; rows < 3; rows++) await deletedSince(db.sql, "31 days");
  const { code, stdout } = await runCli(...args("--older-than", "30d", "--batch", "2"));
  expect({ code, stdout }).toEqual({ code: 0, stdout: "removed 3 instances, 3 VMMs, 0 migrations\n" });
  expect(await db.sql`select from vmstate.vmm`).toHaveLength(0);
});

it("names the table that holds an instance by a foreign key, and purges once the row is gone", async () => {
  await db.sql`create table public.hold (instance_id uuid references vmstate.instance)`;
  await db.sql`create table public.disk (instance_id uuid references vmstate.instance on delete cascade)`;
  await db.sql`create table public.invoice (instance_id uuid references vmstate.instance on delete set null)`;
  await deletedSince(db.sql, "31 days");
  for (const table of ["hold", "disk", "invoice"])
    await db.sql.unsafe(`insert into public.${table} select id from vmstate.instance`);
  expect(await runCli(...args("--older-than", "30d"))).toEqual({
    code: 1,
    stdout: "",
    stderr:
      'vmstate: this purge was rolled back: update or delete on table "instance" violates foreign key constraint "hold_instance_id_fkey" on table "hold"; ' +
      "delete the rows there first, or declare the key ON DELETE CASCADE or SET NULL\n",
  });
  await db.sql`delete from public.hold`;
  expect(await runCli(...args("--older-than", "30d"))).toMatchObject({ code: 0 });
  expect(
    await db.sql`select (select count(*)::int from public.disk) as disks, instance_id from public.invoice`,
  ).toEqual([{ disks: 0, instance_id: null }]);
});

it("reports any other error of the database as it is", async () => {
  await db.sql`alter function vmstate.purge rename to purge_was`;
  const { stderr } = await runCli(...args("--older-than", "30d"));
  await db.sql`alter function vmstate.purge_was rename to purge`;
  expect(stderr).toContain("function vmstate.purge");
});

it("prints its progress every 100 batches", async () => {
  for (let rows = 0; rows < 50; rows++) await deletedSince(db.sql, "31 days");
  const { stdout, stderr } = await runCli(...args("--older-than", "30d", "--batch", "1"));
  expect(stdout).toBe("removed 50 instances, 50 VMMs, 0 migrations\n");
  expect(stderr).toBe("removed so far: 50 instances, 50 VMMs, 0 migrations\n");
});

it("prints a count of 1 in the singular", async () => {
  await deletedSince(db.sql, "31 days");
  const { stdout } = await runCli(...args("--older-than", "30d"));
  expect(stdout).toBe("removed 1 instance, 1 VMM, 0 migrations\n");
});

it("prints after Ctrl-C how many rows it has removed", async () => {
  const host = new TestHost();
  const run = host.run(...args("--older-than", "30d"));
  host.emit("SIGINT", "SIGINT");
  expect(await run).toEqual({
    code: 130,
    stdout: "",
    stderr: "interrupted; removed so far: 0 instances, 0 VMMs, 0 migrations\n",
  });
});

it("leaves rows deleted after --older-than", async () => {
  await deletedSince(db.sql, "29 days");
  const { stdout } = await runCli(...args("--older-than", "30d", "--json"));
  expect(JSON.parse(stdout)).toEqual({ migrations: 0, vmms: 0, instances: 0 });
  expect(await db.sql`select from vmstate.vmm`).toHaveLength(1);
});

// m would be minutes to PostgreSQL, and months to many people.
it.each([["30"], ["30m"], ["1mon"], ["a month"], ["-30d"]])("refuses the age %s: exit 2", async (age) => {
  const { code, stderr } = await runCli(...args(`--older-than=${age}`));
  expect(code).toBe(2);
  expect(stderr).toContain("Expected a whole number and min, h, d or w, for example 90min, 12h or 30d");
});

it("refuses an age of less than 1 hour with the database's VM001", async () => {
  const { code, stderr } = await runCli(...args("--older-than", "59min"));
  expect(code).toBe(1);
  expect(stderr).toMatch(/purge: invalid argument p_before: p_before must be at least 1 hour ago/);
});

it.each(["0", "100001", "many"])("refuses batches of %s rows: exit 2", async (rows) => {
  const { code, stderr } = await runCli(...args("--older-than", "30d", "--batch", rows));
  expect(code).toBe(2);
  expect(stderr).toContain("Expected a whole number from 1 to 100000");
});
