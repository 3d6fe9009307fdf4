import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findDrift } from "../../src/schema/drift/find-drift.js";
import { VmstateError } from "../../src/errors/vmstate-error.js";
import { assertCompatible } from "../../src/index.js";
import { PACKAGE_ROOT, readMigrations } from "../../src/schema/files.js";
import { migrateFrom } from "../../src/schema/migrate-from.js";
import { migrationStatus, pendingMigrations } from "../../src/schema/status.js";
import { runCli } from "../cli/run-cli.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { PackageCopy } from "../support/package-copy.js";
import { running } from "../sql/scenario.js";
import { Roles } from "./roles.js";

const SHIPPED = (await readMigrations(PACKAGE_ROOT)).map(({ name }) => name);

let db: TestDatabase;
let copy: PackageCopy;
let names: string[];
beforeEach(async () => {
  db = await createDatabase();
  copy = new PackageCopy();
  names = (await readMigrations(copy.root)).map(({ name }) => name);
});
afterEach(async () => {
  await db.drop();
  copy[Symbol.dispose]();
});

/** What a dump of the schema alone lacks; a tool that ignores the table of another one lacks pgmigrations altogether. */
async function forget(database = db): Promise<void> {
  await database.sql`drop table if exists vmstate.pgmigrations`;
  await database.sql`delete from vmstate.schema_change`;
}

async function records(database = db): Promise<string[]> {
  const rows = await database.sql<{ name: string }[]>`
    select c.name from vmstate.schema_change as c join vmstate.pgmigrations as m using (name) order by c.number`;
  return rows.map(({ name }) => name);
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VmstateError);
  return (error as VmstateError).message;
}

describe("migrate takes over a schema without records:", () => {
  it("as of the newest migration", async () => {
    await forget();
    await expect(assertCompatible(db.sql)).rejects.toThrow(
      "schema vmstate has no record of its migrations, as a copy of the schema alone has none: run `npx vmstate migrate`",
    );
    const newest = names.at(-1) ?? "";
    expect(await runCli("migrate", "--database-url", db.url)).toEqual({
      code: 0,
      stdout: "",
      stderr: `took over a schema without records: it equals ${newest}\nup to date: there was nothing to apply\n`,
    });
    expect(await records()).toEqual(names);
    await assertCompatible(db.sql);
    expect(await findDrift(db.sql)).toEqual([]);
    expect(await migrateFrom(copy.root, db.url)).toEqual([]);
  });

  it("with rows in its tables, and an empty table of node-pg-migrate", async () => {
    const { instanceId } = await running(db.sql);
    await db.sql`delete from vmstate.pgmigrations`;
    await db.sql`delete from vmstate.schema_change`;
    expect(await migrateFrom(copy.root, db.url)).toEqual([]);
    expect(await records()).toEqual(names);
    expect(await db.sql`select from vmstate.instance where id = ${instanceId}`).toHaveLength(1);
  });

  it.each(SHIPPED.map((name, i) => ({ name, i })))(
    "as of $name, and applies the later ones",
    async ({ name, i }) => {
      await using older = await createEmptyDatabase();
      for (const { text } of (await readMigrations(copy.root)).slice(0, i + 1)) await older.sql.unsafe(text);
      await forget(older);
      const notices: string[] = [];
      const applied = await migrateFrom(copy.root, older.url, { notice: (line) => notices.push(line) });
      expect(applied).toEqual(names.slice(i + 1));
      expect(notices).toEqual([`took over a schema without records: it equals ${name}`]);
      expect(await records(older)).toEqual(names);
      expect(await findDrift(older.sql)).toEqual([]);
    },
  );

  it("and applies again a migration that changes only rows, since the schema does not show it", async () => {
    const next = `${String(names.length + 1).padStart(4, "0")}_rows`;
    copy.migration(next, "update vmstate.instance set name = 'changed'");
    await running(db.sql);
    await forget();
    expect(await migrateFrom(copy.root, db.url)).toEqual([next]);
    expect(await db.sql`select distinct name from vmstate.instance`).toEqual([{ name: "changed" }]);
  });

  it("as a NOINHERIT member of the schema's owner that does not own the database", async () => {
    await using roles = new Roles(db);
    const owner = await roles.create("owner");
    const member = await roles.create("member", `noinherit in role ${owner}`);
    await forget();
    const database = new URL(db.url).pathname.slice(1);
    await db.sql.unsafe(`
      alter schema vmstate owner to ${owner};
      grant create on database ${database} to ${member}`);
    const superuser = await roles.create("superuser", "superuser");
    expect(await migrateFrom(copy.root, roles.urlOf(superuser))).toEqual([]);
    await forget();
    expect(await migrateFrom(copy.root, roles.urlOf(member))).toEqual([]);
    expect(await records()).toEqual(names);
    await db.sql.unsafe(`revoke create on database ${database} from ${member}`);
    await forget();
    expect(await messageOf(migrateFrom(copy.root, roles.urlOf(owner)))).toBe(
      "this role lacks CREATE on the database, which the comparison needs: it builds the expected schema beside the live one, and rolls back",
    );
    await db.sql.unsafe("alter schema vmstate owner to current_user");
  });
});

describe("migrate refuses a schema without records", () => {
  it("that differs from a release in one object, and names that object", async () => {
    await db.sql`drop index vmstate.vmm_on_sled`;
    await forget();
    expect(await messageOf(migrateFrom(copy.root, db.url))).toContain(
      ": missing index vmstate.vmm_on_sled; see `vmstate doctor`",
    );
  });

  it("that equals no release, names the differences, and changes nothing", async () => {
    await db.sql.unsafe(`
      drop index vmstate.vmm_on_sled;
      alter table vmstate.vmm disable trigger guard_link, add extra text;
      alter function vmstate.is_absorbing volatile`);
    await forget();
    const message = await messageOf(migrateFrom(copy.root, db.url));
    expect(message).toBe(
      `schema vmstate has objects, vmstate.schema_change has no row, and the schema equals no release; different from ${names.at(-1) ?? ""}: missing index vmstate.vmm_on_sled, unexpected column vmstate.vmm.extra, changed function vmstate.is_absorbing(vmstate.vmm_state), 1 more; see \`vmstate doctor\`, or drop the schema if it is not vmstate's`,
    );
    expect(await messageOf(pendingMigrations(db.url))).toBe(message);
    expect(await db.sql`select from vmstate.schema_change`).toHaveLength(0);
    expect(await db.sql`select to_regclass('vmstate.pgmigrations') as ledger`).toEqual([{ ledger: null }]);
  });

  it("that was dumped without privileges, and names the option: PUBLIC may call every function", async () => {
    await db.sql`grant execute on all functions in schema vmstate to public`;
    await forget();
    expect(await messageOf(migrateFrom(copy.root, db.url))).toMatch(
      /: changed function vmstate\.\w+\(.*, \d+ more; dump the schema again without --no-privileges$/,
    );
  });

  it("that was dumped without comments, and names the option", async () => {
    await db.sql`comment on table vmstate.vmm is null`;
    await forget();
    expect(await messageOf(migrateFrom(copy.root, db.url))).toMatch(
      /: changed table vmstate\.vmm; dump the schema again without --no-comments$/,
    );
    await db.sql`grant execute on all functions in schema vmstate to public`;
    expect(await messageOf(migrateFrom(copy.root, db.url))).toMatch(
      /; dump the schema again without --no-comments and --no-privileges$/,
    );
  });

  it("in pendingMigrations and migrationStatus, and says what migrate would do", async () => {
    await forget();
    expect(await messageOf(pendingMigrations(db.url))).toBe(
      `schema vmstate has no row in vmstate.schema_change, and equals ${names.at(-1) ?? ""}: run \`vmstate migrate\`, which records ${names.at(-1) ?? ""} and applies what follows`,
    );
    expect(await messageOf(migrationStatus(db.url))).toMatch(
      /run `vmstate migrate`, which takes over a schema that equals a release/,
    );
  });
});
