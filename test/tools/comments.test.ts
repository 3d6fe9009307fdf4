import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSources } from "../../src/schema/sources.js";
import { type Catalog, readCatalog } from "../../tools/generate/catalog.js";
import { itemsOf, parseComment, tsdoc } from "../../tools/generate/comment.js";
import { renderReference } from "../../tools/generate/reference.js";
import { camel, renderTypescript, wrappedVerbs } from "../../tools/generate/typescript.js";
import { createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { type Answers, answersOfVerbs } from "./verb-answers.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let db: TestDatabase;
let catalog: Catalog;
let answers: Map<string, Answers>;
beforeAll(async () => {
  db = await createEmptyDatabase();
  const sources = await readSources(ROOT);
  await db.sql.begin(async (sql) => {
    for (const { text } of sources) await sql.unsafe(text);
    await sql`insert into vmstate.schema_change (number, name, is_breaking) values (1, 'sql', false)`;
  });
  catalog = await readCatalog(db.sql);
  answers = answersOfVerbs(ROOT);
});
afterAll(() => db.drop());

describe("every comment in sql/", () => {
  let comments: { object: string; comment: string; acts: boolean }[];
  beforeAll(async () => {
    comments = await db.sql`
      select pg_describe_object(classoid, objoid, objsubid) as object, description as comment,
        classoid = 'pg_proc'::regclass
          or objsubid = 0 and objoid in (select oid from pg_class where relkind = 'v') as acts
      from pg_description as d
      where classoid = 'pg_proc'::regclass and objoid in (select oid from pg_proc where pronamespace = 'vmstate'::regnamespace)
        or classoid = 'pg_class'::regclass and objoid in (select oid from pg_class where relnamespace = 'vmstate'::regnamespace)
        or classoid = 'pg_type'::regclass and objoid in (select oid from pg_type where typnamespace = 'vmstate'::regnamespace)
        or classoid = 'pg_namespace'::regclass and objoid = 'vmstate'::regnamespace`;
  });

  it("begins with a summary of at most 80 characters that is a sentence", () => {
    expect(comments.length).toBeGreaterThan(150);
    const summaries = comments.map(({ object, comment }) => ({ object, ...parseComment(comment) }));
    expect(summaries.filter(({ summary }) => summary.length > 80 || !/^[A-Z].*\.$/.test(summary))).toEqual(
      [],
    );
  });

  it("begins with a verb in the third person, if it is that of a function or a view", () => {
    const acting = comments.filter(({ acts }) => acts);
    expect(acting.length).toBeGreaterThan(100);
    expect(acting.filter(({ comment }) => !/^[A-Z][a-z-]*s\b/.test(comment))).toEqual([]);
  });

  it("has details and list items in whole sentences, and lists of known titles", () => {
    for (const { object, comment } of comments) {
      const { details, lists } = parseComment(comment);
      const sentences = [...details, ...lists.flatMap(({ items }) => items.map(({ text }) => text))];
      expect(
        sentences.filter((text) => !text.endsWith(".")),
        object,
      ).toEqual([]);
      expect(["Outcomes", "Errors", "Values"], object).toEqual(
        expect.arrayContaining(lists.map(({ title }) => title)),
      );
    }
  });
});

describe("the comment of every verb", () => {
  const listed = (comment: string): string[] => itemsOf(comment, "Outcomes").map(({ term }) => term);

  it("lists each reason of the TypeScript result, and no other", () => {
    expect(catalog.verbs.length).toBeGreaterThan(20);
    const reasons = wrappedVerbs(catalog).map(({ name, comment }) => ({
      name,
      reasons: listed(comment)
        .flatMap((term) => term.split("/").slice(1))
        .sort(),
    }));
    expect(reasons).toEqual(
      wrappedVerbs(catalog).map(({ name }) => ({ name, reasons: answers.get(camel(name))?.reasons })),
    );
  });

  it("lists each outcome of the TypeScript result, and no other", () => {
    const outcomes = wrappedVerbs(catalog).map(({ name, comment }) => ({
      name,
      outcomes: [...new Set(listed(comment).map((term) => term.split("/")[0]))].sort(),
    }));
    // the type of the result is wider: to delete again is unchanged
    const neverGone = ["delete_instance", "delete_vmm"];
    expect(outcomes).toEqual(
      wrappedVerbs(catalog).map(({ name }) => ({
        name,
        outcomes: answers
          .get(camel(name))
          ?.outcomes.filter((outcome) => !(outcome === "gone" && neverGone.includes(name))),
      })),
    );
  });

  it("lists VM001: every verb refuses a null where none is allowed", () => {
    const without = catalog.verbs.filter(
      ({ comment }) => !itemsOf(comment, "Errors").some(({ term }) => term === "VM001"),
    );
    expect(without.map(({ name }) => name)).toEqual([]);
  });
});

it("the comment of an enum explains all of its labels or none", () => {
  for (const { name, labels, comment } of catalog.enums) {
    const explained = itemsOf(comment, "Values").map(({ term }) => term);
    if (explained.length > 0) expect(explained, name).toEqual(labels);
  }
});

const COMMENT =
  "Does a thing.\n\nHow it is done.\n\nOutcomes:\n- applied: done.\nErrors:\n- VM001: it is null.";

describe("parseComment", () => {
  it("tells a summary, details and lists apart", () => {
    expect(parseComment(COMMENT)).toEqual({
      summary: "Does a thing.",
      details: ["How it is done."],
      lists: [
        { title: "Outcomes", items: [{ term: "applied", text: "done." }] },
        { title: "Errors", items: [{ term: "VM001", text: "it is null." }] },
      ],
    });
  });

  it.each([
    ["an empty list", "Does a thing.\n\nErrors:", /the list Errors of a comment is empty: Does a thing\./],
    ["a line in a list that is no item", "Does a thing.\n\nErrors:\nVM001", /no item of it.*\nVM001$/],
  ])("refuses %s", (_, text, message) => {
    expect(() => parseComment(text)).toThrow(message);
  });
});

describe("tsdoc", () => {
  it("writes a summary alone on one line", () => {
    expect(tsdoc("Does a thing.")).toBe("/** Does a thing. */");
  });

  it("writes lists as lists", () => {
    expect(tsdoc(COMMENT)).toBe(
      [
        "/**",
        " * Does a thing.",
        " *",
        " * How it is done.",
        " *",
        " * Outcomes:",
        " *",
        " * - applied: done.",
        " *",
        " * Errors:",
        " *",
        " * - VM001: it is null.",
        " */",
      ].join("\n"),
    );
  });

  it.each(["*/", "{a}", "@a", "<a>", "`", "|"])("refuses %s, which means something else in TSDoc", (text) => {
    expect(() => tsdoc(`Does ${text}.`)).toThrow(/a comment cannot hold/);
  });
});

describe("from the comments in sql/", () => {
  it("docs/reference.md gets summary, details, outcomes and errors of a function, the lists as lists", () => {
    const [, text] = /^### begin_start\n\n([^]*?)\n\n\| argument/m.exec(renderReference(catalog)) ?? [];
    const comment = catalog.verbs.find(({ name }) => name === "begin_start")?.comment ?? "";
    const { summary, details, lists } = parseComment(comment);
    expect(lists.map(({ title }) => title)).toEqual(["Outcomes", "Errors"]);
    const list = (items: { term: string; text: string }[]): string =>
      items.map(({ term, text }) => `- \`${term}\`: ${text}`).join("\n");
    expect(text?.split("\n\n")).toEqual([
      summary,
      ...details,
      ...lists.flatMap(({ title, items }) => [`${title}:`, list(items)]),
    ]);
  });

  it("docs/reference.md gets each outcome with its text, and the errors that guards raise", () => {
    const text = renderReference(catalog);
    for (const { term, text: what } of itemsOf(
      catalog.enums.find(({ name }) => name === "outcome")?.comment ?? "",
      "Values",
    ))
      expect(text).toContain(`| \`${term}\` | ${what} |`);
    for (const guard of ["guard_identity", "guard_insert", "guard_vmm_state"])
      expect(catalog.errors.map(({ name }) => name)).toContain(guard);
    for (const { code, name, text: what } of catalog.errors)
      expect(text).toContain(`| \`${code}\` | \`${name}\` | ${what} |`);
  });

  it("src/client/generated.ts gets comments that TypeScript reads as they were written", () => {
    const file = ts.createSourceFile("generated.ts", renderTypescript(catalog), ts.ScriptTarget.Latest, true);
    const found = file.statements.filter(isNamedType).map((node) => ({
      name: node.name.text,
      summary: ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(node)[0]?.comment)?.split("\n")[0],
    }));
    expect(found).toEqual(
      expect.arrayContaining(
        wrappedVerbs(catalog).map(({ name, comment }) => ({
          name: `${camel(`_${name}`)}Arguments`,
          summary: parseComment(comment).summary,
        })),
      ),
    );
  });
});

function isNamedType(node: ts.Node): node is ts.InterfaceDeclaration | ts.TypeAliasDeclaration {
  return ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
}
