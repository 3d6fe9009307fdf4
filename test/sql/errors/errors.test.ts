import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../support/database.js";
import { attempt } from "../guards/attempt.js";
import { migrating, running } from "../scenario.js";
import { ACCESS_ERRORS } from "./access-errors.js";
import { ARGUMENT_ERRORS } from "./argument-errors.js";
import { type ErrorCase, fill } from "./error-case.js";
import { GUARD_ERRORS } from "./guard-errors.js";

// Every error that the stored functions raise, with all that it says.

interface Raised {
  code: string | undefined;
  message: string | undefined;
  detail: string | undefined;
  hint: string | undefined;
}

const CASES = [...ARGUMENT_ERRORS, ...ACCESS_ERRORS, ...GUARD_ERRORS];

let db: TestDatabase;
let role: string;
/** The statements that raised, each as `function:line`. */
const reached = new Set<string>();
/** What each case raised, and what it should have. */
const raised = new Map<ErrorCase, { actual: Raised; expected: Raised }>();

beforeAll(async () => {
  db = await createDatabase();
  [{ role }] = await db.sql<[{ role: string }]>`select current_user as role`;
  for (const errorCase of CASES) raised.set(errorCase, await provoke(errorCase));
}, 60_000);
afterAll(() => db.drop());

/** Makes the error happen; returns what it says, and what it should say. */
async function provoke(errorCase: ErrorCase): Promise<{ actual: Raised; expected: Raised }> {
  const { given, statements, code, message, detail, hint } = errorCase;
  const s = await given(db.sql);
  const error = await errorOf(fill(statements, s, role));
  return {
    actual: { code: error?.code, message: error?.message, detail: error?.detail, hint: error?.hint },
    expected: {
      code,
      message: fill(message, s, role),
      detail: fill(detail, s, role),
      hint: fill(hint, s, role),
    },
  };
}

/** Runs statements that are rolled back in any case; returns their error, and notes where it was raised. */
async function errorOf(statements: string): Promise<postgres.PostgresError | undefined> {
  const error = await attempt(db.sql, (sql) =>
    sql.unsafe(`set local timezone = 'UTC'; set local datestyle = 'ISO'; ${statements}`),
  );
  noteReached(error?.where);
  return error;
}

/** Adds the statements to `reached` that the context of an error names. */
function noteReached(where: string | undefined): void {
  const statements = where?.matchAll(/^PL\/pgSQL function vmstate\.(\w+)\(.*\) line (\d+) at /gm) ?? [];
  for (const [, name, line] of statements) reached.add(`${String(name)}:${String(line)}`);
}

describe("an error says what was refused, what was found and what to do:", () => {
  it.each(CASES.map((errorCase) => [`${errorCase.code} ${errorCase.message}`, errorCase] as const))(
    "%s",
    (_, errorCase) => {
      const { actual, expected } = raised.get(errorCase) ?? {};
      expect(expected).toBeDefined();
      expect(actual).toEqual(expected);
    },
  );
});

describe("an error or log line from inside of a function:", () => {
  /** Replaces a part of a function's definition, as long as the transaction. */
  const altered = (name: string, from: string, to: string): string =>
    `do $do$ begin execute replace(pg_get_functiondef('vmstate.${name}'::regproc), $a$${from}$a$, $b$${to}$b$); end $do$`;

  it("VM900 rolls back the VMM of a migration whose id is taken, and begin_migration handles it", async () => {
    const [s, other] = [await migrating(db.sql), await running(db.sql)];
    const begin = fill(
      `select (vmstate.begin_migration('{instance}', '{sled}', '${s.migrationId}', '{vmm}', '{destination}', '{migration}', 'fd00::9')).reason`,
      other,
      role,
    );
    expect(await db.sql.unsafe(begin)).toEqual([{ reason: "migration_id_taken" }]);
    const error = await errorOf(`${altered("insert_migration", "'VM900' THEN", "'VM999' THEN")}; ${begin}`);
    expect(error).toMatchObject({
      code: "VM900",
      message: "the migration id is taken, so the inserted VMM is rolled back",
    });
  });

  it("a PostgreSQL error about a batch is raised unchanged if no element explains it", async () => {
    const silent = [
      altered("parse_report", "BEGIN", "BEGIN RETURN NULL;"),
      altered("require_report", "BEGIN", "BEGIN RETURN;"),
    ];
    const error = await errorOf(
      `${silent.join("; ")}; select * from vmstate.report_vmms('[{"instance_id": "vm-1"}]')`,
    );
    expect(error).toMatchObject({ code: "22P02", message: 'invalid input syntax for type uuid: "vm-1"' });
  });

  it("break_update logs which lock it ended, and why", async () => {
    const s = await running(db.sql);
    await db.sql.unsafe(
      fill("update vmstate.instance set updater_id = '{sled}', updater_generation = 7, ", s, role) +
        fill("updater_lease_until = now() + interval '1 h' where id = '{instance}'", s, role),
    );
    const notices: postgres.Notice[] = [];
    const client = db.connect({ max: 1, onnotice: (notice) => notices.push(notice) });
    await client.unsafe(
      fill("set client_min_messages = log; select vmstate.break_update('{instance}', 7, 'lost')", s, role),
    );
    const logged = notices.find(({ message }) => message?.startsWith("vmstate.break_update"));
    noteReached(logged?.["where"]);
    expect(logged).toMatchObject({
      severity: "LOG",
      message: fill(
        "vmstate.break_update: ended updater lock 7 of instance {instance}, which saga {sled} held: lost",
        s,
        role,
      ),
    });
  });

  it("no RAISE and no call of a function that raises is missing from this file", async () => {
    const functions = await db.sql<{ name: string; body: string }[]>`
      select proname as name, prosrc as body from pg_proc where pronamespace = 'vmstate'::regnamespace`;
    const sites = functions.flatMap(({ name, body }) =>
      body.split("\n").flatMap((text, n) => {
        const raises = /\bRAISE\b|\bPERFORM vmstate\.raise_/.test(text);
        return raises
          ? [{ name, text: text.trim(), isReached: reached.has(`${name}:${String(n + 1)}`) }]
          : [];
      }),
    );
    expect(sites.length).toBeGreaterThan(70);
    // Passes an error on with the context of that error, which does not name the RAISE; tested by its answer above.
    const passedOn = { name: "parse_batch", text: "RAISE;", isReached: false };
    expect(sites.filter(({ isReached }) => !isReached)).toEqual([passedOn]);
  });
});
