import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findDrift } from "../../src/schema/drift/find-drift.js";
import { vmstate } from "../../src/index.js";
import { PACKAGE_ROOT } from "../../src/schema/files.js";
import { readLedger } from "../../src/schema/ledger.js";
import { migrateFrom } from "../../src/schema/migrate-from.js";
import { runCli } from "../cli/run-cli.js";
import { createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { PackageCopy } from "../support/package-copy.js";
import { breachesOf } from "../verification/faults/dumps.js";
import { type Package, ReleasedPackage } from "../../tools/release/released-package.js";
import { populate, rowsOf } from "./population.js";
import { type Pair, ReplicatingServer } from "./replication.js";

/** The statement in docs/operations.md that publishes the tables. */
const PUBLICATION =
  /^CREATE PUBLICATION vmstate FOR TABLE\s.*?;$/ms.exec(readFileSync("docs/operations.md", "utf8"))?.[0] ??
  "-- docs/operations.md names no tables";

/** The statement in docs/operations.md that fills in migration_id. */
const FILL =
  /^UPDATE vmstate\.vmm AS v SET migration_id .*?;$/ms.exec(
    readFileSync("docs/operations.md", "utf8"),
  )?.[0] ?? "-- docs/operations.md fills in nothing";

let server: ReplicatingServer;
let released: ReleasedPackage;
let release: Package;
/** A database of the first release: it has only columns that both sides have, whatever their release. */
let old: TestDatabase;
beforeAll(async () => {
  server = await ReplicatingServer.start();
  const [first] = await readLedger(PACKAGE_ROOT);
  released = new ReleasedPackage(first?.version ?? "");
  release = await released.load();
  old = await createEmptyDatabase();
  await release.migrate(old.url);
});
afterAll(async () => {
  await old.drop();
  released[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

let pair: Pair;
let copy: PackageCopy;
beforeEach(async () => {
  pair = await server.createPair();
  copy = new PackageCopy();
  const last = copy.migrations().at(-1) ?? "";
  // This migration adds columns, which the other side does not have until that side is migrated.
  copy.migration(
    `${String(Number.parseInt(last, 10) + 1).padStart(4, "0")}_more`,
    `alter table vmstate.vmm add extra text, alter extra set default 'none';
    alter table vmstate.instance add extra text;
    update vmstate.vmm set extra = 'none'`,
  );
});
afterEach(async () => {
  await pair[Symbol.asyncDispose]();
  copy[Symbol.dispose]();
});

const migrate = ({ url }: TestDatabase): Promise<string[]> => migrateFrom(copy.root, url);

async function expectSameRows(): Promise<void> {
  await pair.caughtUp();
  const published = await rowsOf(pair.publisher.sql, old.sql);
  expect(published.length).toBeGreaterThan(30);
  expect(await rowsOf(pair.subscriber.sql, old.sql)).toEqual(published);
}

/** Expects that the former subscriber breaks no invariant, has its guards, and works. */
async function expectToWorkAlone(): Promise<void> {
  await pair.unsubscribe();
  const { sql, url } = pair.subscriber;
  expect(await runCli("verify", "--database-url", url)).toMatchObject({ code: 0 });
  expect(await breachesOf(sql)).toEqual([]);
  await populate(vmstate(sql));
  expect(await migrate(pair.subscriber)).toEqual([]);
  expect(await sql`select from vmstate.schema_change`).toHaveLength(copy.migrations().length);
}

describe("a subscriber to the tables that docs/operations.md names", () => {
  beforeEach(async () => {
    for (const { url } of [pair.publisher, pair.subscriber]) await release.migrate(url);
    await populate(release.vmstate(pair.publisher.sql));
    await pair.subscribe(PUBLICATION);
    await populate(release.vmstate(pair.publisher.sql));
    await expectSameRows();
  });

  it("is migrated before the publisher: no row waits", async () => {
    await migrate(pair.subscriber);
    await populate(release.vmstate(pair.publisher.sql));
    await expectSameRows();
    await migrate(pair.publisher);
    await populate(vmstate(pair.publisher.sql));
    await expectSameRows();
    await expectToWorkAlone();
  });

  it("is migrated after the publisher: rows with new columns wait for the subscriber's migration", async () => {
    await migrate(pair.publisher);
    await populate(vmstate(pair.publisher.sql));
    await pair.failed();
    await migrate(pair.subscriber);
    await expectSameRows();
    await expectToWorkAlone();
  });

  it("takes over with a newer release than the publisher", async () => {
    await migrate(pair.subscriber);
    await populate(release.vmstate(pair.publisher.sql));
    await expectSameRows();
    await expectToWorkAlone();
    const unknown = (): Promise<unknown> => pair.subscriber.sql`
      select from vmstate.migration as m join vmstate.vmm as v on v.id = m.destination_propolis_id where v.migration_id is null`;
    expect(await unknown()).not.toHaveLength(0);
    await pair.subscriber.sql.unsafe(FILL);
    expect(await unknown()).toHaveLength(0);
    expect(await breachesOf(pair.subscriber.sql)).toEqual([]);
  });
});

describe("a subscriber of this release", () => {
  it("passes doctor and verify after it is disconnected", async () => {
    for (const { url } of [pair.publisher, pair.subscriber]) await migrateFrom(PACKAGE_ROOT, url);
    await populate(vmstate(pair.publisher.sql));
    await pair.subscribe(PUBLICATION);
    await populate(vmstate(pair.publisher.sql));
    await expectSameRows();
    await pair.unsubscribe();
    expect(await findDrift(pair.subscriber.sql)).toEqual([]);
    expect(await runCli("verify", "--database-url", pair.subscriber.url)).toMatchObject({ code: 0 });
  });
});

describe("a publication of the whole schema", () => {
  it("fails at the second upgrade, whose ledger row the subscriber has already", async () => {
    for (const { url } of [pair.publisher, pair.subscriber]) await release.migrate(url);
    await pair.subscriber.sql`truncate vmstate.schema_change, vmstate.pgmigrations`;
    await pair.subscribe("create publication vmstate for tables in schema vmstate");
    await migrate(pair.subscriber);
    await migrate(pair.publisher);
    await pair.failed();
  });
});
