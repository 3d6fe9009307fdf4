import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareCatalogs } from "../../../src/schema/drift/compare.js";
import { type CatalogObject, readCatalog } from "../../../src/schema/drift/read.js";
import { readMigrations } from "../../../src/schema/files.js";
import { readLedger } from "../../../src/schema/ledger.js";
import { migrateFrom } from "../../../src/schema/migrate-from.js";
import { readSources } from "../../../src/schema/sources.js";
import { createEmptyDatabase } from "../../support/database.js";
import { PackageCopy } from "../../support/package-copy.js";
import { renderMigration } from "../../../tools/generate/migration.js";
import { rewrittenSince } from "../../../tools/release/ledger-history.js";
import { newMigration, unmigrated } from "../../../tools/release/new-migration.js";
import { partsOf } from "../../../tools/release/parts.js";
import { PATH_BEFORE } from "../../../tools/release/search-path.js";
import { release } from "../../../tools/release/release.js";

let copy: PackageCopy;
beforeEach(async () => {
  copy = new PackageCopy();
  // as if nothing had been released
  copy.write("sql/released.json", "[]");
  copy.clear("migrations");
  copy.write("migrations/0001_vmstate.sql", await renderMigration(copy.root));
});
afterEach(() => {
  copy[Symbol.dispose]();
});

const FIRST = "Migration `0001_vmstate`: creates all.\n  Locks: nothing that exists. Breaking: no.";

/** @param items what the changelog tells of the version; else what it has to, of a first one */
async function releaseAs(version: string, ...items: string[]): ReturnType<typeof release> {
  copy.write("package.json", JSON.stringify({ version }));
  const described = items.length === 0 ? [FIRST] : items;
  copy.write(
    "CHANGELOG.md",
    `# Changelog\n\n## ${version}\n\n${described.map((item) => `- ${item}\n`).join("")}`,
  );
  await using database = await createEmptyDatabase();
  return await release(copy.root, database.url);
}

async function catalogOf(
  make: (database: Awaited<ReturnType<typeof createEmptyDatabase>>) => Promise<unknown>,
): Promise<CatalogObject[]> {
  await using database = await createEmptyDatabase();
  await make(database);
  return await readCatalog(database.sql);
}

/** What the migrations make and `sql/` does not, and the other way round. */
async function drift(): Promise<unknown[]> {
  const sources = await readSources(copy.root);
  const { differences } = compareCatalogs(
    await catalogOf(({ sql }) =>
      sql.begin((transaction) => transaction.unsafe(sources.map(({ text }) => text).join("\n"))),
    ),
    await catalogOf(({ url }) => migrateFrom(copy.root, url)),
  );
  return differences;
}

const FUNCTION = "rules/is_terminal.sql";
const VIEW = "views/api_vmm.sql";
const TABLE = "tables/vmm.sql";
const DOMAINS = ["types/domains.sql", "types/other.sql"] as const;

function changeBoth(): void {
  copy.replace(`sql/${VIEW}`, "FROM vmstate.vmm AS v", "FROM vmstate.vmm AS v -- changed");
  copy.replace(
    `sql/${FUNCTION}`,
    "COMMENT ON FUNCTION vmstate.is_terminal IS '",
    "COMMENT ON FUNCTION vmstate.is_terminal IS 'Anew: ",
  );
}

describe("three releases", () => {
  it("each have a migration of what changed, and only append to the ledger", async () => {
    expect(await releaseAs("0.1.0")).toMatchObject({
      version: "0.1.0",
      migrations: [{ name: "0001_vmstate", breaking: false }],
    });

    changeBoth();
    expect(await unmigrated(copy.root)).toEqual([FUNCTION, VIEW]);
    expect(await newMigration(copy.root, "change_both")).toEqual({
      file: "0002_change_both.sql",
      copied: [FUNCTION, VIEW],
      byHand: [],
    });
    expect(copy.read("migrations/0002_change_both.sql").split("\n")[1]).toBe(
      "-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0002_change_both.sql",
    );
    expect(await unmigrated(copy.root)).toEqual([]);
    expect(await drift()).toEqual([]);
    const second = await releaseAs(
      "0.2.0",
      "Migration `0002_change_both`: changes both. Locks: `api_vmm` (ACCESS EXCLUSIVE), `instance` (EXCLUSIVE), `migration` (EXCLUSIVE), `vmm` (EXCLUSIVE). Breaking: no.",
    );
    expect(second.migrations).toMatchObject([{ name: "0002_change_both", breaking: false }]);

    copy.replace(
      `sql/${TABLE}`,
      "  migration_id uuid,\n  PRIMARY",
      "  migration_id uuid,\n  note text,\n  PRIMARY",
    );
    copy.replace(`sql/${VIEW}`, "  v.time_created\n", "  v.time_created,\n  v.note\n");
    expect(await newMigration(copy.root, "add_note")).toEqual({
      file: "0003_add_note.sql",
      copied: [VIEW],
      byHand: [TABLE],
    });
    expect(await unmigrated(copy.root)).toEqual([]);
    await expect(drift()).rejects.toThrow("column v.note does not exist");
    copy.replace(
      "migrations/0003_add_note.sql",
      "EXCLUSIVE MODE;\n",
      "EXCLUSIVE MODE;\n\nALTER TABLE vmstate.vmm ADD note text;\n",
    );
    copy.replace("migrations/0003_add_note.sql", "'0003_add_note', false", "'0003_add_note', true");
    expect(await drift()).toEqual([]);
    const third = await releaseAs(
      "0.3.0",
      "Migration `0003_add_note`: adds a note.\n  Locks: `api_vmm` (ACCESS EXCLUSIVE), `instance` (EXCLUSIVE), `migration` (EXCLUSIVE), `vmm` (ACCESS EXCLUSIVE). Breaking: yes.",
    );
    expect(third.migrations).toMatchObject([{ name: "0003_add_note", breaking: true }]);

    const ledger = await readLedger(copy.root);
    expect(ledger.map(({ version }) => version)).toEqual(["0.1.0", "0.2.0", "0.3.0"]);
    expect(ledger[1]).toEqual(second);
    expect(ledger[1]?.signatures).toEqual({});
    expect(ledger[2]?.signatures).toEqual({ "view api_vmm": ["note text"] });
    expect((await releaseAs("0.3.1")).migrations).toEqual([]);
  });

  it("may each have several migrations; migration:new updates the newest and keeps statements written by hand", async () => {
    await releaseAs("0.1.0");
    await newMigration(copy.root, "first");
    changeBoth();
    await newMigration(copy.root, "second");
    copy.replace("migrations/0003_second.sql", "EXCLUSIVE MODE;\n", "EXCLUSIVE MODE;\n\nSELECT 'by hand';\n");
    copy.replace("migrations/0003_second.sql", "'0003_second', false", "'0003_second', true");
    const before = copy.read("migrations/0003_second.sql");
    expect(await newMigration(copy.root, "second")).toMatchObject({ copied: [FUNCTION, VIEW] });
    expect(copy.read("migrations/0003_second.sql")).toBe(before);

    copy.replace(`sql/${VIEW}`, " -- changed", "");
    expect(await unmigrated(copy.root)).toEqual([VIEW]);
    expect(await newMigration(copy.root, "second")).toMatchObject({
      file: "0003_second.sql",
      copied: [FUNCTION],
    });
    const text = copy.read("migrations/0003_second.sql");
    expect(text).toMatch("SELECT 'by hand';\n");
    expect(text).not.toMatch("api_vmm");
    const migrations = await readMigrations(copy.root);
    expect(migrations.map(({ name, isBreaking }) => [name, isBreaking])).toEqual([
      ["0001_vmstate", false],
      ["0002_first", false],
      ["0003_second", true],
    ]);
    await expect(newMigration(copy.root, "first")).rejects.toThrow("0002_first is not the newest migration");
    const second = await releaseAs(
      "0.2.0",
      "Migration `0002_first`. Locks: nothing that exists. Breaking: no.",
      "Migration `0003_second`. Locks: nothing that exists. Breaking: yes.",
    );
    expect(second.migrations).toHaveLength(2);
  });

  it("may copy unchanged files too, also when updated", async () => {
    await releaseAs("0.1.0");
    const { copied } = await newMigration(copy.root, "all", true);
    expect(copied.length).toBeGreaterThan(100);
    expect(copied).toContain(VIEW);
    expect(copied).not.toContain(TABLE);
    copy.replace("migrations/0002_all.sql", `-- copy of sql/${FUNCTION}`, "-- copy of sql/gone.sql");
    copy.replace("migrations/0002_all.sql", `-- end of sql/${FUNCTION}`, "-- end of sql/gone.sql");
    expect((await newMigration(copy.root, "all")).copied).toEqual(copied);
    expect(copy.read("migrations/0002_all.sql")).toMatch(`-- copy of sql/${FUNCTION}`);
    expect((await newMigration(copy.root, "next")).copied).toEqual([]);
  });

  it("keep statements written by hand in place, before or after the copies", async () => {
    await releaseAs("0.1.0");
    changeBoth();
    await newMigration(copy.root, "both");
    const file = "migrations/0002_both.sql";
    copy.replace(file, `-- copy of sql/${FUNCTION}`, `SELECT 'before';\n\n-- copy of sql/${FUNCTION}`);
    copy.replace(file, `-- end of sql/${VIEW}\n`, `-- end of sql/${VIEW}\n\nSELECT 'after';\n`);
    const before = copy.read(file);
    await newMigration(copy.root, "both");
    expect(copy.read(file)).toBe(before);
    expect(await drift()).toEqual([]);
  });

  it("lock the tables before a DROP that is written by hand", async () => {
    await releaseAs("0.1.0");
    await newMigration(copy.root, "drop");
    const file = "migrations/0002_drop.sql";
    expect(copy.read(file)).not.toMatch("LOCK TABLE");
    copy.replace(file, `\n${PATH_BEFORE}`, `\nDROP VIEW vmstate.schema_version;\n\n${PATH_BEFORE}`);
    await newMigration(copy.root, "drop");
    expect(copy.read(file)).toMatch(/^LOCK TABLE .*\n\nDROP VIEW vmstate.schema_version;\n/m);
  });

  it("name a removed file once", async () => {
    await releaseAs("0.1.0");
    copy.remove("sql/views/schema_version.sql");
    copy.replace("sql/load_order.txt", "views/schema_version.sql\n", "");
    expect(await newMigration(copy.root, "drop_it")).toMatchObject({
      copied: [],
      byHand: ["views/schema_version.sql"],
    });
    expect(await unmigrated(copy.root)).toEqual([]);
    expect(await newMigration(copy.root, "after_it")).toMatchObject({ copied: [], byHand: [] });
  });
});

describe("a definition that moves to another file", () => {
  beforeEach(() => releaseAs("0.1.0"));
  const MOVED = "moved/is_over.sql";

  function move(from: string, to: string): void {
    copy.write(`sql/${to}`, copy.read(`sql/${from}`));
    copy.remove(`sql/${from}`);
    copy.replace("sql/load_order.txt", `${from}\n`, `${to}\n`);
  }

  it("needs no migration", async () => {
    move(FUNCTION, MOVED);
    move(TABLE, "moved/table.sql");
    expect(await unmigrated(copy.root)).toEqual([]);
    expect(await newMigration(copy.root, "move")).toMatchObject({ copied: [], byHand: [] });
    expect(copy.read("migrations/0002_move.sql")).not.toMatch("LOCK TABLE");
  });

  it("needs no migration when files are merged, or split again", async () => {
    const [file, other] = DOMAINS;
    const together = copy.read(`sql/${file}`);
    const apart = (): void => {
      const [first = "", ...others] = partsOf(copy.read(`sql/${file}`)).map(({ text }) => text);
      copy.write(`sql/${file}`, first);
      copy.write(`sql/${other}`, others.join("\n"));
      copy.replace("sql/load_order.txt", `${file}\n`, `${file}\n${other}\n`);
    };
    apart();
    expect(await unmigrated(copy.root)).toEqual([]);
    copy.write(`sql/${file}`, together.replace("IS 'Numbers a TCP port", "IS 'Numbers a port"));
    copy.remove(`sql/${other}`);
    copy.replace("sql/load_order.txt", `${other}\n`, "");

    expect(await newMigration(copy.root, "port")).toMatchObject({ copied: [], byHand: [file] });
    const text = copy.read("migrations/0002_port.sql");
    expect(text.match(/^-- by hand: .*(?= as of)/gm)).toEqual([
      `-- by hand: DOMAIN vmstate.port of sql/${file}`,
    ]);
    expect(await unmigrated(copy.root)).toEqual([]);
    apart();
    expect(await unmigrated(copy.root)).toEqual([]);
  });

  it("is copied once when it also changes", async () => {
    move(FUNCTION, MOVED);
    copy.replace(`sql/${MOVED}`, "IS '", "IS 'Anew: ");
    expect(await newMigration(copy.root, "change")).toMatchObject({ copied: [MOVED], byHand: [] });
    expect(await unmigrated(copy.root)).toEqual([]);
    expect((await newMigration(copy.root, "after_it")).copied).toEqual([]);
    expect(await drift()).toEqual([]);
  });

  it("is copied when its old text returns", async () => {
    const before = copy.read(`sql/${FUNCTION}`);
    move(FUNCTION, MOVED);
    copy.replace(`sql/${MOVED}`, "IS '", "IS 'Anew: ");
    await newMigration(copy.root, "change");
    move(MOVED, FUNCTION);
    expect(await unmigrated(copy.root)).toEqual([]);
    copy.write(`sql/${FUNCTION}`, before);
    expect(await unmigrated(copy.root)).toEqual([FUNCTION]);
    expect((await newMigration(copy.root, "back")).copied).toEqual([FUNCTION]);
    expect(await unmigrated(copy.root)).toEqual([]);
    expect(await drift()).toEqual([]);
  });

  it("is listed as removed when another object has its file", async () => {
    copy.replace(`sql/${FUNCTION}`, "FUNCTION vmstate.is_terminal(", "FUNCTION vmstate.is_over(");
    expect(await newMigration(copy.root, "rename")).toMatchObject({ copied: [FUNCTION], byHand: [FUNCTION] });
    expect(copy.read("migrations/0002_rename.sql")).toMatch(
      "-- by hand: FUNCTION vmstate.is_terminal of sql/",
    );
    expect(await unmigrated(copy.root)).toEqual([]);
    copy.replace(`sql/${FUNCTION}`, "FUNCTION vmstate.is_over(", "FUNCTION vmstate.is_terminal(");
    expect(await newMigration(copy.root, "back")).toMatchObject({ copied: [FUNCTION], byHand: [FUNCTION] });
  });

  it("must not be copied to another file", async () => {
    copy.write(`sql/${MOVED}`, copy.read(`sql/${FUNCTION}`));
    copy.replace("sql/load_order.txt", `${FUNCTION}\n`, `${FUNCTION}\n${MOVED}\n`);
    await expect(newMigration(copy.root, "twice")).rejects.toThrow(
      `sql/${FUNCTION} and sql/${MOVED} both define FUNCTION vmstate.is_terminal`,
    );
  });
});

describe("migration:new refuses", () => {
  it("a second migration before the first is released", async () => {
    await expect(newMigration(copy.root, "second")).rejects.toThrow("`npm run generate` writes all of it");
  });

  it.each(["", "Second", "2nd", "a-b", "a.sql"])("the name %j", async (name) => {
    await expect(newMigration(copy.root, name)).rejects.toThrow(`"${name}" is no name`);
  });
});

describe("npm run release refuses", () => {
  beforeEach(() => releaseAs("0.1.0"));

  it("a version that is released already", async () => {
    await expect(releaseAs("0.1.0")).rejects.toThrow("0.1.0 is released already");
  });

  it("a change that is in no migration", async () => {
    changeBoth();
    await expect(releaseAs("0.2.0")).rejects.toThrow(`changed, and in no migration: ${FUNCTION}, ${VIEW}`);
    await newMigration(copy.root, "change_both");
    copy.replace("migrations/0002_change_both.sql", "-- changed", "-- changed again");
    await expect(releaseAs("0.2.0")).rejects.toThrow(`changed, and in no migration: ${VIEW}`);
  });

  it("a released migration whose file changed", async () => {
    copy.replace("migrations/0001_vmstate.sql", "CREATE", "create");
    await expect(releaseAs("0.2.0")).rejects.toThrow("migrations/0001_vmstate.sql is not the released file");
  });

  it("a public signature that changed or is missing", async () => {
    copy.replace("sql/views/api_vmm.sql", "  v.failure_reason,\n", "");
    copy.replace(
      "sql/verbs/operator/fail_sled.sql",
      "p_reason vmstate.failure_reason",
      "p_reason vmstate.failure_reason DEFAULT 'operator'",
    );
    copy.migration(
      "0002_break",
      `ALTER TYPE vmstate.failure_reason RENAME VALUE 'sled_off' TO 'sled_down'; DROP VIEW vmstate.api_vmm`,
    );
    await newMigration(copy.root, "break");
    const error = await releaseAs("0.2.0").catch((reason: unknown) => String(reason));
    expect(error).toMatch(
      /^VmstateError: public, and gone or another: enum failure_reason: sled_off; function fail_sled\(p_sled_id uuid, /,
    );
    expect(error).toMatch(
      /; view api_vmm: failure_reason vmstate\.failure_reason; new behaviour takes a new name$/,
    );
  });

  it("a migration whose changelog item is missing or wrong", async () => {
    copy.migration("0002_index", "CREATE INDEX vmm_by_saga ON vmstate.vmm (saga_id)", true);
    const missing =
      'CHANGELOG.md, 0.2.0, has no "- Migration `0002_index`: … Locks: `vmm` (SHARE). Breaking: yes."';
    await expect(releaseAs("0.2.0", FIRST)).rejects.toThrow(missing);
    const wrong = 'what it says of 0002_index does not end in "Locks: `vmm` (SHARE). Breaking: yes."';
    for (const says of ["an index.", "Locks: `vmm` (SHARE). Breaking: no.", "Locks: `vmm`. Breaking: yes."])
      await expect(releaseAs("0.2.0", `Migration \`0002_index\`: ${says}`)).rejects.toThrow(wrong);
    copy.write("package.json", JSON.stringify({ version: "0.3.0" }));
    await using database = await createEmptyDatabase();
    await expect(release(copy.root, database.url)).rejects.toThrow('CHANGELOG.md has no section "## 0.3.0"');
  });

  it("without a change of the ledger", async () => {
    const before = copy.read("sql/released.json");
    await expect(releaseAs("0.1.0")).rejects.toThrow();
    expect(copy.read("sql/released.json")).toBe(before);
  });
});

describe("rewrittenSince", () => {
  const git = (...args: string[]): void => {
    const author = [
      "-c",
      "user.name=test",
      "-c",
      "user.email=test@test.invalid",
      "-c",
      "commit.gpgsign=false",
    ];
    execFileSync("git", [...author, ...args], { cwd: copy.root, stdio: "ignore" });
  };

  it("finds changed and removed releases in the history of the ledger", async () => {
    git("init");
    git("add", "sql/released.json");
    git("commit", "-m", "nothing released");
    await releaseAs("0.1.0");
    git("commit", "-am", "0.1.0");
    await releaseAs("0.1.1");
    const ledger = await readLedger(copy.root);
    expect(await rewrittenSince(copy.root, ledger)).toEqual([]);
    const [first, second] = ledger;
    expect(await rewrittenSince(copy.root, ledger.slice(1))).toHaveLength(1);
    expect(await rewrittenSince(copy.root, [])).toHaveLength(1);
    const edited = { ...first, migrations: [] } as unknown as (typeof ledger)[number];
    expect(await rewrittenSince(copy.root, [edited, ...(second ? [second] : [])])).toHaveLength(1);
  });

  it("returns undefined outside of a git repository", async () => {
    expect(await rewrittenSince(copy.root, [])).toBeUndefined();
  });
});
