import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type postgres from "postgres";
import prettier from "prettier";
import { renderApi } from "./api.js";
import { readCatalog } from "./catalog.js";
import { renderReference } from "./reference.js";
import { renderStates } from "./states.js";
import { renderTables } from "./tables.js";
import { renderTypescript } from "./typescript.js";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Generated files that are rendered together. */
export interface GeneratedPart {
  /** What the files say, for a test title. */
  says: string;
  /** The folder that has only files of this part. */
  folder?: string;
  /** The texts by file, from the root, made from a migrated database and from what is on the disk. */
  render: (sql: postgres.Sql) => Promise<Map<string, string>>;
}

/** All generated files. A part is rendered once the parts before it are written, since it may depend on them. */
export const PARTS: readonly GeneratedPart[] = [
  {
    says: "src/client/generated.ts has the types and signatures of a migrated database",
    render: async (sql) => await one("src/client/generated.ts", renderTypescript(await readCatalog(sql))),
  },
  {
    says: "src/kysely/tables.ts has the tables and views of a migrated database",
    render: async (sql) => await one("src/kysely/tables.ts", renderTables(await readCatalog(sql))),
  },
  {
    says: "docs/reference.md has all that is public in a migrated database",
    render: async (sql) => await one("docs/reference.md", renderReference(await readCatalog(sql))),
  },
  {
    says: "docs/states.md shows what the verbs of a migrated database do",
    render: async (sql) => await one("docs/states.md", await renderStates(sql, await readCatalog(sql))),
  },
  {
    // Its pages quote src/client/generated.ts, so it stays behind that part.
    says: "docs/api/ has what the declarations and comments of the entry points say",
    folder: "docs/api",
    render: async (): Promise<Map<string, string>> => {
      const pages = [...(await renderApi())].map(([page, text]) => one(`docs/api/${page}`, text));
      return new Map((await Promise.all(pages)).flatMap((page) => [...page]));
    },
  },
];

async function one(file: string, text: string): Promise<Map<string, string>> {
  const options = await prettier.resolveConfig(join(ROOT, file));
  return new Map([[file, await prettier.format(text, { ...options, filepath: file })]]);
}
