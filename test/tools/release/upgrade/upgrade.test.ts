import { readdirSync } from "node:fs";
import type postgres from "postgres";
import { expect, it } from "vitest";
import { compareCatalogs } from "../../../../src/schema/drift/compare.js";
import { readCatalog } from "../../../../src/schema/drift/read.js";
import { assertCompatible, invariantViolations, type Vmstate } from "../../../../src/index.js";
import { migrate } from "../../../../src/schema/index.js";
import { migrateFrom } from "../../../../src/schema/migrate-from.js";
import { type Migration, PACKAGE_ROOT, readMigrations } from "../../../../src/schema/files.js";
import { readLedger, releasedMigrations } from "../../../../src/schema/ledger.js";
import { readSources } from "../../../../src/schema/sources.js";
import { createDatabase, createEmptyDatabase } from "../../../support/database.js";
import { PackageCopy } from "../../../support/package-copy.js";
import { until } from "../../../support/until.js";
import { populate } from "../../../schema/population.js";
import { isRecreatable } from "../../../../tools/release/lint.js";
import { newMigration } from "../../../../tools/release/new-migration.js";
import { packedName, PACKAGES, ReleasedPackage } from "../../../../tools/release/released-package.js";
import { type Client, Lives, Reader, SledAgent } from "./traffic.js";

const ledger = await readLedger(PACKAGE_ROOT);
const versions = ledger.map(({ version }) => version);

it("the packed package of every release is kept", () => {
  expect(readdirSync(PACKAGES).sort()).toEqual(versions.map(packedName).sort());
});

it.each(versions)("a database of %s is upgraded while clients of that release use it", async (version) => {
  await upgradedInUse(version, async (url) => {
    expect(await migrate(url)).toEqual((await migrationsAfter(version)).map(({ name }) => name));
  });
});

it.each(versions)(
  "a database of %s gets every function, view and trigger anew while clients of that release use it",
  async (version) => {
    using copy = new PackageCopy();
    for (const { file, text } of await readSources(copy.root))
      if (await isRecreatable(text)) copy.write(`sql/${file}`, `-- again\n${text}`);
    const { file, copied } = await newMigration(copy.root, "again");
    expect(copied.length).toBeGreaterThan(100);
    // as readers lock them: instance_plan reads resolved_instance
    expect(copy.read(`migrations/${file}`)).toMatch(
      /^ALTER VIEW vmstate\.instance_plan .*\nALTER VIEW vmstate\.resolved_instance .*\n\n-- copy of/m,
    );
    await upgradedInUse(version, async (url) => {
      expect((await migrateFrom(copy.root, url)).at(-1)).toMatch(/again$/);
    });
  },
);

/** Upgrades a database of a release, with data and with clients that do not stop, to the present catalog. */
async function upgradedInUse(version: string, upgrade: (url: string) => Promise<void>): Promise<void> {
  await using database = await createEmptyDatabase();
  using released = new ReleasedPackage(version);
  const release = await released.load();
  await release.migrate(database.url);
  const connect = (): Vmstate => release.vmstate(database.connect({ max: 1 }));
  await populate(connect());
  const before = await everything(database.sql);

  const agents = [await new SledAgent(connect()).start(20), await new SledAgent(connect()).start(20)];
  const others = [new Lives(connect()), new Lives(connect()), new Lives(connect()), new Reader(connect())];
  await whileWorking([...agents, ...others], () => upgrade(database.url));

  for (const agent of agents) expect(await agent.storedGenerations(database.sql)).toEqual([agent.generation]);
  expect(await everything(database.sql)).toEqual(expect.arrayContaining(before.map(asObjectContaining)));
  expect(await invariantViolations(database.sql)).toEqual([]);
  await using fresh = await createDatabase();
  const [expected, actual] = await Promise.all([readCatalog(fresh.sql), readCatalog(database.sql)]);
  expect(compareCatalogs(expected, actual)).toEqual({ differences: [], warnings: [] });
  await assertCompatible(database.sql);
  if ((await migrationsAfter(version)).every(({ isBreaking }) => !isBreaking))
    await release.assertCompatible(database.sql);
}

/** Acts while clients work, who have begun before and go on afterwards; rejects if one of them gets a wrong answer. */
async function whileWorking(clients: readonly Client[], act: () => Promise<void>): Promise<void> {
  const work = Promise.all(clients.map((client) => client.work()));
  const untilEachHasDone = async (more: number): Promise<void> => {
    const goals = clients.map((client) => ({ client, goal: client.done + more }));
    const reached = until(`each client has done ${more} more`, () =>
      goals.every(({ client, goal }) => client.done >= goal),
    );
    await Promise.race([work, reached]);
  };
  await untilEachHasDone(1);
  const before = clients.map(({ verbs }) => verbs);
  await act();
  expect(clients.some(({ verbs }, index) => verbs !== before[index])).toBe(true);
  await untilEachHasDone(2);
  for (const client of clients) client.stop();
  await work;
}

/** Matches a row that has these columns, since a migration may add others. */
function asObjectContaining(row: Record<string, object | null>): unknown {
  const columns = Object.entries(row).map(([name, value]): [string, unknown] => [
    name,
    value === null ? null : expect.objectContaining(value),
  ]);
  return Object.fromEntries(columns);
}

/** Reads how each instance and VMM shows, and what the update saga would do. */
async function everything(sql: postgres.Sql): Promise<Record<string, object | null>[]> {
  const rows = await sql<Record<string, object | null>[]>`
    select to_jsonb(r) as shown, to_jsonb(p) - 'updater_lease_until' as planned, to_jsonb(v) as vmms
    from vmstate.resolved_instance as r
    join vmstate.instance_plan as p on p.instance_id = r.instance_id
    left join vmstate.vmm as v on v.instance_id = r.instance_id
    order by r.instance_id, v.id`;
  return [...rows];
}

async function migrationsAfter(version: string): Promise<Migration[]> {
  const known = releasedMigrations(ledger.slice(0, versions.indexOf(version) + 1));
  return (await readMigrations(PACKAGE_ROOT)).slice(known.length);
}
