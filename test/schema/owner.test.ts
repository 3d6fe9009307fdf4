import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VmstateError } from "../../src/errors/vmstate-error.js";
import { readMigrations } from "../../src/schema/files.js";
import { migrateFrom } from "../../src/schema/migrate-from.js";
import { migrationStatus } from "../../src/schema/status.js";
import { compareFacts, readFacts } from "../support/catalog-facts.js";
import { createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { PackageCopy } from "../support/package-copy.js";
import { majorOf, objectsIn, ownersIn, Roles } from "./roles.js";

let db: TestDatabase;
let roles: Roles;
let copy: PackageCopy;
/** The owner of the schema, who may not create anything else in the database. */
let owner: string;
let names: string[];
let next: string;
beforeEach(async () => {
  db = await createEmptyDatabase();
  roles = new Roles(db);
  copy = new PackageCopy();
  owner = await roles.create("owner");
  names = (await readMigrations(copy.root)).map(({ name }) => name);
  next = `${String(names.length + 1).padStart(4, "0")}_next`;
  await db.sql.unsafe(`create schema vmstate authorization ${owner}`);
});
afterEach(async () => {
  await roles[Symbol.asyncDispose]();
  await db.drop();
  copy[Symbol.dispose]();
});

const migrateAs = (role: string): Promise<string[]> => migrateFrom(copy.root, roles.urlOf(role));

const addNext = (): void => {
  copy.migration(next, "alter table vmstate.vmm add extra text;\ncreate table vmstate.next ()");
};

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VmstateError);
  const { message } = error as VmstateError;
  expect(message.split("\n")).toHaveLength(1);
  return message;
}

/** Each makes a role that may act for the schema's owner. */
const DEPUTIES: [string, () => Promise<string>][] = [
  ["a superuser", () => roles.create("superuser", "superuser")],
  ["a member of the owner", () => roles.create("member", `in role ${owner}`)],
  ["a NOINHERIT member of the owner", () => roles.create("member", `noinherit in role ${owner}`)],
  [
    "a member of a member of the owner",
    async () => roles.create("member", `in role ${await roles.create("group", `in role ${owner}`)}`),
  ],
  [
    "a NOINHERIT member of a NOINHERIT member of the owner",
    async () => {
      const group = await roles.create("group", `noinherit in role ${owner}`);
      return await roles.create("member", `noinherit in role ${group}`);
    },
  ],
  [
    "a member of the owner that logs in as another role",
    async () => {
      const member = await roles.create("member", `in role ${owner}`);
      const other = await roles.create("other");
      await db.sql.unsafe(`grant ${other} to ${member}; alter role ${member} set role = ${other}`);
      return member;
    },
  ],
];

describe.each(DEPUTIES)("migrate in a schema of another owner, as %s,", (_, createDeputy) => {
  it("installs into an existing empty schema; every object belongs to the owner", async () => {
    const deputy = await createDeputy();
    expect(await migrateAs(deputy)).toEqual(names);
    expect(await ownersIn(db.sql)).toEqual([owner]);
    await roles.drop(deputy);
    addNext();
    expect(await migrateAs(owner)).toEqual([next]);
  });

  it("upgrades; every object belongs to the owner", async () => {
    await migrateAs(owner);
    const deputy = await createDeputy();
    addNext();
    expect(await migrateAs(deputy)).toEqual([next]);
    expect(await ownersIn(db.sql)).toEqual([owner]);
    await roles.drop(deputy);
    expect(await migrateAs(owner)).toEqual([]);
  });
});

describe("migrate in an existing empty schema", () => {
  it("needs no CREATE on the database", async () => {
    expect(await migrateAs(owner)).toEqual(names);
    expect(await migrateAs(owner)).toEqual([]);
  });

  it("makes the same database as when it creates the schema itself", async () => {
    await using usual = await createEmptyDatabase();
    await migrateFrom(copy.root, usual.url);
    await migrateAs(owner);
    const records = async (sql: TestDatabase["sql"]): Promise<unknown[]> => {
      const rows = await sql`
        select c.number, c.name, c.is_breaking, m.id from vmstate.schema_change as c
        join vmstate.pgmigrations as m using (name) order by c.number`;
      return [...rows];
    };
    expect(await records(db.sql)).toEqual(await records(usual.sql));
    expect(await objectsIn(db.sql)).toEqual(await objectsIn(usual.sql));
    const facts = async (sql: TestDatabase["sql"]): Promise<string[]> =>
      (await readFacts(sql)).filter((fact) => !fact.includes(": grants "));
    const { onlyInFirst, onlyInSecond } = compareFacts(await facts(db.sql), await facts(usual.sql));
    expect([...onlyInFirst, ...onlyInSecond]).toEqual([]);
  });

  it("names the line of the file in which a migration fails", async () => {
    copy.write("sql/released.json", "[]");
    copy.replace("migrations/0001_vmstate.sql", "CREATE DOMAIN vmstate.port", "create nonsense vmstate.port");
    const text = copy.read("migrations/0001_vmstate.sql");
    const error = await migrateAs(owner).catch((reason: unknown) => reason);
    const position = Number((error as { cause: { position: string } }).cause.position);
    expect(text.slice(0, text.indexOf("nonsense")).split("\n").length).toBe(
      text
        .replace(/^CREATE SCHEMA.*$/m, "")
        .slice(0, position)
        .split("\n").length,
    );
  });

  it("makes every object belong to pg_database_owner where that role owns the schema", async () => {
    const deputy = await roles.create("database_owner");
    await db.sql.unsafe(`
      alter schema vmstate owner to pg_database_owner;
      alter database ${new URL(db.url).pathname.slice(1)} owner to ${deputy}`);
    expect(await migrateAs(deputy)).toEqual(names);
    expect(await ownersIn(db.sql)).toEqual(["pg_database_owner"]);
    await db.sql.unsafe(`alter database ${new URL(db.url).pathname.slice(1)} owner to current_user`);
  });
});

describe("migrate refuses, and changes nothing, as", () => {
  const refusal = (role: string): string =>
    `schema vmstate belongs to role "${owner}", which user "${role}" may not become: migrate as "${owner}", as a superuser, or as a member that may SET ROLE (GRANT "${owner}" TO "${role}")`;

  it("a role that is not a member of the owner, even with all rights in the schema", async () => {
    const stranger = await roles.create("stranger");
    await db.sql.unsafe(`
      grant create on database ${new URL(db.url).pathname.slice(1)} to ${stranger};
      grant all on schema vmstate to ${stranger}`);
    expect(await messageOf(migrateAs(stranger))).toBe(refusal(stranger));
    expect(await objectsIn(db.sql)).toEqual([]);

    await migrateAs(owner);
    addNext();
    const before = await readFacts(db.sql);
    expect(await messageOf(migrateAs(stranger))).toBe(refusal(stranger));
    expect(await readFacts(db.sql)).toEqual(before);
    expect(await db.sql`select from vmstate.schema_change`).toHaveLength(names.length);
  });

  it("a member that inherits the owner's rights but may not SET ROLE", async (context) => {
    context.skip((await majorOf(db.sql)) < 16, "WITH SET FALSE is new in PostgreSQL 16");
    const member = await roles.create("member");
    await db.sql.unsafe(`grant ${owner} to ${member} with inherit true, set false`);
    expect(await messageOf(migrateAs(member))).toBe(refusal(member));
    expect(await objectsIn(db.sql)).toEqual([]);
  });
});

describe("migrate gives the schema's owner the objects that an earlier version left to the migrating role:", () => {
  /** Installs the schema as a version did that did not act as the owner of the schema. */
  async function installedBy(role: string): Promise<void> {
    await db.sql.unsafe(`grant all on schema vmstate to ${role}`);
    const sql = roles.connect(role);
    for (const { text } of await readMigrations(copy.root))
      await sql.unsafe(
        text.replace("CREATE SCHEMA IF NOT EXISTS vmstate;", "").replace(/^COMMENT ON SCHEMA [^;]*;$/m, ""),
      );
    await sql.end();
  }

  it.each(["superuser", `member`])("as a %s", async (kind) => {
    const installer = await roles.create("installer");
    await installedBy(installer);
    const own =
      await db.sql`select from pg_class where relnamespace = 'vmstate'::regnamespace and relowner = ${installer}::regrole`;
    expect(own.length).toBeGreaterThan(10);
    if (kind === "member") await db.sql.unsafe(`grant ${owner} to ${installer}`);
    const deputy = kind === "member" ? installer : await roles.create("superuser", "superuser");
    expect(await migrateAs(deputy)).toEqual([]);
    expect(await ownersIn(db.sql)).toEqual([owner]);
    await db.sql.unsafe(`revoke all on schema vmstate from ${installer}`);
    await roles.drop(installer);
    addNext();
    expect(await migrateAs(owner)).toEqual([next]);
  });

  it("refused as the owner, with a hint to migrate as a superuser", async () => {
    const installer = await roles.create("installer");
    await installedBy(installer);
    addNext();
    expect(await messageOf(migrateAs(owner))).toMatch(
      new RegExp(
        `^routine vmstate\\.\\w+\\(.*\\) belongs to role "${installer}", not to "${owner}", the owner of schema vmstate: run \`vmstate migrate\` once as a superuser, to give it to "${owner}"$`,
      ),
    );
  });

  it("a view that is not vmstate's keeps its owner", async () => {
    await migrateAs(owner);
    await db.sql`create view vmstate.of_a_dba as select 1 as one`;
    addNext();
    const deputy = await roles.create("superuser", "superuser");
    expect(await migrateAs(deputy)).toEqual([next]);
    expect(
      await db.sql`select from pg_views where viewname = 'of_a_dba' and viewowner = current_user`,
    ).toHaveLength(1);
  });
});

describe("migrate status and plan", () => {
  it("answer a NOINHERIT member of the owner", async () => {
    await migrateAs(owner);
    const member = await roles.create("member", `noinherit in role ${owner}`);
    expect((await migrationStatus(roles.urlOf(member))).map(({ state }) => state)).toEqual(
      names.map(() => "applied"),
    );
  });
});
