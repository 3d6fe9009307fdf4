import postgres from "postgres";
import { withDatabase } from "../../src/testing/databases.js";

/** A place in the body of a PL/pgSQL function that is reached only on one way through it. */
interface Branch {
  offset: number;
  /** What is inserted before the counting statement: `ELSE `, if the branch is that of an IF without an ELSE. */
  keyword: "" | "ELSE ";
  /** The line of the branch, for the report. */
  line: string;
}

const SCHEMA = "vmstate_coverage";
const READ_ONLY = "pg_catalog.current_setting('transaction_read_only')::boolean";

/**
 * Makes every branch of the PL/pgSQL functions of `vmstate` count how often it is reached, in a sequence of its own:
 * what a sequence counted is not rolled back.
 */
export async function instrument(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql.begin(async (sql) => {
      await sql`create schema ${sql(SCHEMA)}`;
      const functions = await sql<{ name: string; body: string; definition: string }[]>`
        select proname as name, prosrc as body, pg_get_functiondef(p.oid) as definition
          from pg_proc as p join pg_language as l on l.oid = prolang
          where pronamespace = 'vmstate'::regnamespace and lanname = 'plpgsql'`;
      for (const { name, body, definition } of functions) {
        const branches = branchesOf(body);
        for (const [n, { line }] of branches.entries()) {
          await sql`create sequence ${sql(`${SCHEMA}.${name}_${n}`)}`;
          await sql.unsafe(
            `comment on sequence ${SCHEMA}.${name}_${n} is '${`${name}: ${line}`.replaceAll("'", "''")}'`,
          );
        }
        await sql.unsafe(definition.replace(body, () => counting(name, body, branches)));
      }
      // also for those whose roles the tests make up
      await sql`grant usage on schema ${sql(SCHEMA)} to public`;
      await sql`grant usage on all sequences in schema ${sql(SCHEMA)} to public`;
    });
  } finally {
    await sql.end();
  }
}

/** How many branches there are, and those that no session of any of these databases reached. */
export async function readCoverage(
  serverUrl: string,
  databases: readonly string[],
): Promise<{ branches: number; unreached: string[] }> {
  const reached = new Map<string, boolean>();
  const texts = new Map<string, string>();
  for (const database of databases) {
    const sql = postgres(withDatabase(serverUrl, database), { max: 1, onnotice: () => undefined });
    const branches = await sql<{ name: string; text: string; count: string | null }[]>`
      select relname as name, obj_description(c.oid) as text, pg_sequence_last_value(c.oid) as count
        from pg_class as c join pg_namespace as n on n.oid = relnamespace
        where nspname = ${SCHEMA} and relkind = 'S' order by c.oid`;
    for (const { name, text, count } of branches) {
      texts.set(name, text);
      reached.set(name, reached.get(name) === true || count !== null);
    }
    await sql.end();
  }
  const unreached = [...texts].filter(([name]) => reached.get(name) !== true);
  return { branches: texts.size, unreached: unreached.map(([, text]) => text) };
}

function counting(name: string, body: string, branches: readonly Branch[]): string {
  let text = "";
  let from = 0;
  for (const [n, { offset, keyword }] of branches.entries()) {
    // ASSERT and not PERFORM, which would set FOUND, on which the function may depend.
    const assertion = `${READ_ONLY} OR pg_catalog.nextval('${SCHEMA}.${name}_${n}') > 0`;
    text += `${body.slice(from, offset)} ${keyword}ASSERT ${assertion}; `;
    from = offset;
  }
  return text + body.slice(from);
}

interface Token {
  /** The token; a word is in capitals. */
  text: string;
  end: number;
  start: number;
}

const TOKEN = /--.*|'(?:[^']|'')*'|[A-Za-z_]\w*|\S/g;

function tokensOf(body: string): Token[] {
  return [...body.matchAll(TOKEN)]
    .map(({ 0: text, index }) => ({ text: text.toUpperCase(), start: index, end: index + text.length }))
    .filter(({ text }) => !text.startsWith("--"));
}

/** Finds the branches of a body, in the order of the text. */
export function branchesOf(body: string): Branch[] {
  const tokens = tokensOf(body);
  const branches: Branch[] = [];
  const open: { keyword: string; hasElse: boolean }[] = [];
  let at = 0;

  const current = (): Token => {
    const token = tokens[at];
    if (token === undefined) throw new Error(`the body ends within a statement: ${body}`);
    return token;
  };
  const mark = (offset: number, about: Token, keyword: Branch["keyword"] = ""): void => {
    const number = body.slice(0, about.start).split("\n").length;
    const line = body.split("\n")[number - 1]?.trim() ?? "";
    branches.push({ offset, keyword, line: `line ${number}: ${keyword && "(otherwise) "}${line}` });
  };
  /** Skips to this word, past parentheses and CASE expressions; returns it. */
  const skipTo = (word: string): Token => {
    for (let depth = 0; ; at++) {
      const token = current();
      if (depth === 0 && token.text === word) return token;
      if (token.text === "(" || token.text === "CASE") depth++;
      if (token.text === ")" || token.text === "END") depth--;
    }
  };
  const markAfter = (word: string, about: Token): void => {
    mark(skipTo(word).end, about);
    at++;
  };

  // Each round begins where a statement does.
  while (at < tokens.length) {
    const token = current();
    switch (token.text) {
      case "DECLARE":
        skipTo("BEGIN");
        break;
      case "EXCEPTION":
        at++;
        break;
      case "BEGIN":
      case "LOOP":
        open.push({ keyword: token.text, hasElse: false });
        markAfter(token.text, token);
        break;
      case "IF":
        open.push({ keyword: token.text, hasElse: false });
        at++;
        markAfter("THEN", token);
        break;
      case "ELSIF":
      case "WHEN":
        at++;
        markAfter("THEN", token);
        break;
      case "ELSE":
        Object.assign(open.at(-1) ?? {}, { hasElse: true });
        markAfter("ELSE", token);
        break;
      case "CASE":
        open.push({ keyword: token.text, hasElse: true });
        at++;
        skipTo("WHEN");
        break;
      case "FOR":
      case "FOREACH":
      case "WHILE":
        open.push({ keyword: "FOR", hasElse: false });
        markAfter("LOOP", token);
        break;
      case "END": {
        const closed = open.pop();
        if (closed?.keyword === "IF" && !closed.hasElse) mark(token.start, token, "ELSE ");
        at++;
        // END CASE opens nothing
        if (current().text === closed?.keyword) at++;
        const end = skipTo(";").end;
        // Of a FOR loop this is no branch: it ends when there is no more.
        if (closed?.keyword === "LOOP") mark(end, token);
        at++;
        break;
      }
      case "EXIT":
      case "CONTINUE":
        at++;
        // Without a condition nothing comes after it.
        if (current().text === "WHEN") mark(skipTo(";").end, token);
        else skipTo(";");
        at++;
        break;
      default:
        skipTo(";");
        at++;
    }
  }
  return branches;
}
