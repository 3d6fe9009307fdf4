import { expect, it } from "vitest";
import { migrate } from "../../src/schema/index.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { ReleasedPackage } from "../../tools/release/released-package.js";
import { readLedger } from "../../src/schema/ledger.js";
import { PACKAGE_ROOT } from "../../src/schema/files.js";
import { runCli } from "../cli/run-cli.js";
import { Scenario } from "../cli/scenario.js";

const versions = (await readLedger(PACKAGE_ROOT)).map(({ version }) => version);

/** A database as a release leaves it. */
async function released(version: string): Promise<TestDatabase> {
  const db = await createEmptyDatabase();
  using release = new ReleasedPackage(version);
  await (await release.load()).migrate(db.url);
  return db;
}

/** A view and a materialized view of the user's over each table and view of ours. */
async function createViewsOverAll({ sql }: TestDatabase): Promise<number> {
  const relations = await sql<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'vmstate'::regnamespace and relkind in ('r', 'v')`;
  for (const { name } of relations)
    await sql.unsafe(`
      create view public.over_${name} as select * from vmstate.${name};
      create materialized view public.copy_of_${name} as select * from vmstate.${name}`);
  return relations.length;
}

const OTHER_OBJECTS = `
  create table public.project (id uuid primary key);
  create table public.disk (instance_id uuid references vmstate.instance on delete cascade);
  create function public.note() returns trigger language plpgsql as 'begin return new; end';
  create function public.shown(p uuid) returns text language sql stable
    begin atomic select r.api_state::text from vmstate.resolved_instance as r where r.instance_id = p; end;
  create index by_name on vmstate.instance (name);
  create trigger noted after insert or update on vmstate.instance for each row execute function public.note();
  alter table vmstate.instance add foreign key (project_id) references public.project, add note text;
  alter table vmstate.vmm add note text`;

it.each(versions)(
  "a database of %s is upgraded with a user's views, indexes, triggers, keys and columns, which stay",
  async (version) => {
    await using db = await released(version);
    const relations = await createViewsOverAll(db);
    await db.sql.unsafe(OTHER_OBJECTS);
    expect((await migrate(db.url)).length).toBeGreaterThan(0);
    const { code, stdout } = await runCli("doctor", "--database-url", db.url);
    expect(code).toBe(0);
    expect(stdout.match(/^warning.*/gm)).toEqual([
      "warning     column vmstate.instance.note was added",
      "warning     column vmstate.vmm.note was added",
      "warning     constraint instance_project_id_fkey on vmstate.instance was added",
      "warning     index vmstate.by_name was added",
      "warning     trigger noted on vmstate.instance was added",
    ]);
    const kept =
      await db.sql`select from pg_class where relname ~ '^(over|copy_of)_' and relnamespace = 'public'::regnamespace`;
    expect(kept).toHaveLength(2 * relations);
    const web = new Scenario(db.sql);
    await db.sql`insert into public.project values (${web.projectId})`;
    await web.createStopped();
    await web.run();
    expect(await db.sql`select public.shown(${web.instanceId}) as state`).toEqual([{ state: "running" }]);
    expect(await db.sql`select state from public.over_api_instance`).toEqual([{ state: "running" }]);
  },
);

/** What the first release has and this one has not, of what the query finds. */
async function dropped(db: TestDatabase, query: string): Promise<string> {
  await using fresh = await createDatabase();
  const names = async ({ sql }: TestDatabase): Promise<string[]> =>
    (await sql.unsafe<{ name: string }[]>(query)).map(({ name }) => name);
  const kept = await names(fresh);
  const gone = (await names(db)).filter((name) => !kept.includes(name));
  return String(gone[0]);
}

it("a user's view that uses an internal function blocks the migration that drops the function, and is named", async () => {
  await using db = await released("0.1.0");
  const name = await dropped(
    db,
    `select proname as name from pg_proc where pronamespace = 'vmstate'::regnamespace
      and prorettype = 'boolean'::regtype and oidvectortypes(proargtypes) = 'uuid, uuid'`,
  );
  await db.sql.unsafe(
    `create view public.asked as select vmstate.${name}(v.instance_id, v.id) from vmstate.vmm as v`,
  );
  const failed = await runCli("migrate", "--database-url", db.url);
  expect(failed).toMatchObject({ code: 1, stdout: "" });
  const signature = `vmstate.${name}(uuid,uuid)`;
  expect(failed.stderr).toBe(
    `vmstate: schema migration 0008_drop_old_names failed and was rolled back: ${new URL(db.url).host}: ` +
      `cannot drop function ${signature} because other objects depend on it; ` +
      `view public.asked depends on function ${signature}; ` +
      "drop what is yours, migrate, and create it again\n",
  );
  await db.sql`drop view public.asked`;
  expect(await runCli("migrate", "--database-url", db.url)).toMatchObject({ code: 0 });
});

it("a user's column of a result type stays when a migration adds an attribute", async () => {
  await using db = await released("0.1.0");
  await db.sql`create table public.kept (answer vmstate.update_result)`;
  await db.sql`insert into public.kept select vmstate.explain_update(gen_random_uuid())`;
  await migrate(db.url);
  expect(await db.sql`select (answer).outcome, (answer).updater_id from public.kept`).toEqual([
    { outcome: "not_found", updater_id: null },
  ]);
});

it("a user's column of an internal type blocks the migration that drops the type, and is named", async () => {
  await using db = await released("0.1.0");
  const name = await dropped(
    db,
    `select relname as name from pg_class where relnamespace = 'vmstate'::regnamespace and relkind = 'c'`,
  );
  await db.sql.unsafe(`create table public.kept (verdict vmstate.${name})`);
  const { stderr } = await runCli("migrate", "--database-url", db.url);
  expect(stderr).toMatch(
    /: column public\.kept\.verdict has an internal type of vmstate that this migration drops; drop what is yours, migrate, and create it again\n$/,
  );
});
