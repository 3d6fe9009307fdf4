import { randomBytes } from "node:crypto";
import { execFile } from "node:child_process";
import { promisify, stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { grantAccess } from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import { TerminalRun } from "../support/terminal.js";
import { until } from "../support/until.js";
import { HEADER, newTraces } from "../simulator/traces.js";
import { type BuiltProgram, buildProgram } from "./build.js";
import { Scenario } from "./scenario.js";

let built: BuiltProgram;
let web: Scenario;
const db = withDatabase();
const role = `vmstate_test_terminal_${randomBytes(6).toString("hex")}`;
const traces = newTraces();
const trace = traces.write("trace.csv", `${HEADER}\n0,0,1,1,0\n`);

beforeAll(async () => {
  built = buildProgram();
  web = await new Scenario(db.sql).createStopped("a name that has to be wrapped, ".repeat(2));
  await web.migrate(await web.run());
  await web.beginUpdate("1 hour");
  const broken = await new Scenario(db.sql).createStopped("n".repeat(63));
  await broken.report(await broken.run(), "failed");
  await db.sql.unsafe(`create role ${role} login password 'secret'`);
  await grantAccess(db.sql, { role, kind: "reader" });
});
afterAll(async () => {
  await db.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  built.remove();
  traces.remove();
});

const plain = { PATH: String(process.env["PATH"]), HOME: "/nonexistent", TERM: "xterm-256color" };

function start(
  args: string[],
  { columns = 80, ...env }: { columns?: number; [name: string]: string | number | undefined } = {},
): TerminalRun {
  const variables = Object.entries(env).map(([name, value]) => [name, String(value)]);
  return new TerminalRun(
    process.execPath,
    [built.main, ...args],
    { ...plain, DATABASE_URL: db.url, ...(Object.fromEntries(variables) as Record<string, string>) },
    columns,
  );
}

const readerUrl = (): string => Object.assign(new URL(db.url), { username: role, password: "secret" }).href;

/** The commands that print tables or colours. */
const COMMANDS: [string, () => string[]][] = [
  ["status", () => ["status"]],
  ["list", () => ["list"]],
  ["show", () => ["show", web.instanceId]],
  ["show, as a reader", () => ["show", web.instanceId, "--database-url", readerUrl()]],
  ["explain", () => ["explain", web.instanceId]],
  ["verify", () => ["verify"]],
  ["doctor", () => ["doctor"]],
  ["migrate status", () => ["migrate", "status"]],
];

/** Makes two runs comparable: the second one comes a little later. */
function withoutAges(text: string): string {
  return text.replaceAll(/\d+ (s|min)\b/g, "#").replaceAll(/ +/g, " ");
}

const ESCAPE = "\u001b";

/** Only whole codes that set or end a colour or bold. */
const CODES = new RegExp(`${ESCAPE}\\[\\d+m`, "g");

describe.each([80, 60])("on a terminal of %i columns", (columns) => {
  it.each(COMMANDS)(
    "%s writes the same with colours as without, and splits no escape code",
    async (_, args) => {
      const colored = await start(args(), { columns }).ended;
      const bare = await start(args(), { columns, NO_COLOR: "1" }).ended;
      expect([colored.code, bare.code]).toEqual([0, 0]);
      expect(bare.raw).not.toContain("\u001b");
      expect(colored.raw).toMatch(CODES);
      expect(withoutAges(colored.raw.replaceAll(CODES, ""))).toBe(withoutAges(bare.raw));
    },
  );

  it.each(COMMANDS.filter(([name]) => !["explain", "doctor"].includes(name)))("%s fits", async (_, args) => {
    const { raw } = await start(args(), { columns, NO_COLOR: "1" }).ended;
    const lines = raw.split("\r\n").filter((line) => !line.startsWith("database "));
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
  });

  it("replay prints a table that fits", async () => {
    const { code, raw } = await start(["replay", trace, "--database-url", db.url, "--yes"], { columns })
      .ended;
    expect(code).toBe(0);
    const summary = raw.slice(raw.indexOf("1 VMs, "));
    expect(summary.split("\r\n").filter((line) => line.length > columns && !line.includes("seed"))).toEqual(
      [],
    );
  });
});

describe("colours", () => {
  it.each([
    ["on a terminal", {}, true],
    ["with NO_COLOR", { NO_COLOR: "1" }, false],
    ["with an empty NO_COLOR", { NO_COLOR: "" }, true],
    ["with NO_COLOR and FORCE_COLOR, as Node decides", { NO_COLOR: "1", FORCE_COLOR: "1" }, true],
    ["on a dumb terminal", { TERM: "dumb" }, false],
    ["on a dumb terminal with FORCE_COLOR", { TERM: "dumb", FORCE_COLOR: "1" }, true],
    ["with FORCE_COLOR=0", { FORCE_COLOR: "0" }, false],
  ])("%s", async (_, env, colored) => {
    const { raw } = await start(["verify"], env).ended;
    expect(raw.includes("\u001b[32mno invariant")).toBe(colored);
    expect(stripVTControlCharacters(raw)).toMatch(/^no invariant is violated\r\n$/m);
  });

  it.each([
    ["in a pipe", {}, false],
    ["in a pipe with FORCE_COLOR", { FORCE_COLOR: "1" }, true],
    ["in a pipe of a CI", { CI: "true" }, false],
  ])("%s", async (_, env, colored) => {
    const { stdout } = await promisify(execFile)(process.execPath, [built.main, "verify"], {
      env: { ...plain, DATABASE_URL: db.url, ...env },
    });
    expect(stdout.includes("\u001b")).toBe(colored);
  });
});

describe("status --watch", () => {
  it("draws over what it drew, and ends on Ctrl-C", async () => {
    const run = start(["status", "--watch", "--interval", "0.1"]);
    await until("a first status is shown", async () =>
      (await run.screen()).join().includes("stuck_instance"),
    );
    await new Scenario(db.sql).create("added meanwhile");
    await until("the new instance is counted", async () =>
      (await run.screen()).some((line) => /^creating +1$/.test(line)),
    );
    const shown = await run.screen();
    expect(shown.filter((line) => line.startsWith("work list"))).toHaveLength(1);
    expect(shown[0]).toMatch(/^\d{4}-\S+Z {2}database /);
    run.type("\u0003");
    expect(await run.ended).toMatchObject({ code: 130 });
  });

  it("writes one status below the other on a dumb terminal", async () => {
    const run = start(["status", "--watch", "--interval", "0.1"], { TERM: "dumb" });
    await until("there are two", () => run.raw.split("stuck_instance").length > 2);
    expect(run.raw).not.toContain("\u001b");
    run.type("\u0003");
    expect(await run.ended).toMatchObject({ code: 130 });
  });
});

describe("replay asks before it writes beside other instances", () => {
  it.each([
    ["yes", 0],
    ["", 1],
    ["\u0004", 1],
    ["\u0003", 130],
  ])("the answer %j ends with exit code %i", async (text, code) => {
    const before = await count();
    const run = start(["replay", trace, "--database-url", db.url]);
    await until("it asks", () => run.raw.includes("[y/N] "));
    expect(run.raw).toMatch(/^database \S+ at \S+ has instances already\. Play 1 VMs there\? \[y\/N\] $/);
    run.type(["\u0003", "\u0004"].includes(text) ? text : `${text}\r`);
    const ended = await run.ended;
    expect(ended.code).toBe(code);
    expect((await count()) - before).toBe(code === 0 ? 1 : 0);
    expect(ended.raw.includes("vmstate: nothing was written")).toBe(code === 1);
  });

  async function count(): Promise<number> {
    const [row] = await db.sql<[{ n: number }]>`select count(*)::integer as n from vmstate.instance`;
    return row.n;
  }
});
