import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { withDatabase } from "../support/database.js";
import { runCli } from "./run-cli.js";
import { Scenario } from "./scenario.js";

const db = withDatabase();
let web: Scenario;
beforeAll(async () => {
  web = await new Scenario(db.sql).createStopped();
});

/** Commands that connect with pg, with postgres.js, or with both. */
const COMMANDS: [string, () => string[]][] = [
  ["status", () => ["status"]],
  ["list", () => ["list"]],
  ["show", () => ["show", web.instanceId]],
  ["explain", () => ["explain", web.instanceId]],
  ["verify", () => ["verify"]],
  ["doctor", () => ["doctor"]],
  ["purge", () => ["purge", "--older-than", "30d"]],
  ["migrate", () => ["migrate"]],
  ["migrate status", () => ["migrate", "status"]],
  ["migrate plan", () => ["migrate", "plan"]],
];

/** Sets the variables of libpq that reach the database, and no other. */
function stubEnvironment(values: Record<string, string> = {}): void {
  for (const name of Object.keys(process.env).filter((name) => /^PG|^DATABASE_URL$/.test(name)))
    vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
}

const parts = (): Record<"PGHOST" | "PGPORT" | "PGUSER" | "PGDATABASE" | "password", string> => {
  const { hostname, port, username, password, pathname } = new URL(db.url);
  return { PGHOST: hostname, PGPORT: port, PGUSER: username, PGDATABASE: pathname.slice(1), password };
};

/** The directory of a Unix socket behind which is the server of the tests, and a place for files. */
let dir: string;
const relay = createServer((client) => {
  const { PGHOST, PGPORT } = parts();
  const server = connect(Number(PGPORT), PGHOST);
  client.pipe(server).pipe(client);
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
});
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "vmstate-socket-"));
  relay.listen(join(dir, ".s.PGSQL.5432"));
  await once(relay, "listening");
});
afterAll(() => {
  relay.close();
  rmSync(dir, { recursive: true });
});
beforeEach(() => {
  stubEnvironment();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function passwordFile(line: string, mode = 0o600): string {
  const file = join(dir, "pgpass");
  writeFileSync(file, `# host:port:database:user:password\n${line}\n`);
  chmodSync(file, mode);
  return file;
}

describe.each(COMMANDS)("%s", (_, args) => {
  it("needs no URL where libpq's variables name the database", async () => {
    const { password, ...others } = parts();
    stubEnvironment({ ...others, PGPASSWORD: password });
    expect(await runCli(...args())).toMatchObject({ code: 0 });
  });

  it("takes the password from the file of PGPASSFILE", async () => {
    const { password, ...others } = parts();
    const line = [others.PGHOST, "*", others.PGDATABASE, others.PGUSER, password].join(":");
    stubEnvironment({ ...others, PGPASSFILE: passwordFile(line) });
    expect(await runCli(...args())).toMatchObject({ code: 0 });
  });

  it.each([
    ["as a parameter", (host: string) => `@/DB?host=${host}`],
    ["as the host, with percent signs", (host: string) => `@${encodeURIComponent(host)}/DB`],
  ])("connects to the Unix socket of a URL: %s", async (_, place) => {
    const { password, PGUSER, PGDATABASE } = parts();
    const url = `postgres://${PGUSER}:${password}${place(dir).replace("DB", PGDATABASE)}`;
    expect(await runCli(...args(), "--database-url", url)).toMatchObject({ code: 0 });
  });
});

it("connects to the Unix socket of PGHOST, whose password the file has for localhost", async () => {
  const { password, PGUSER, PGDATABASE } = parts();
  const PGPASSFILE = passwordFile(`localhost:5432:${PGDATABASE}:*:${password}`);
  stubEnvironment({ PGHOST: dir, PGUSER, PGDATABASE, PGPASSFILE });
  expect(await runCli("status")).toMatchObject({ code: 0 });
});

it.each([
  ["of another host", "elsewhere:*:*:*:PASSWORD", 0o600],
  ["in a file that others may read", "*:*:*:*:PASSWORD", 0o644],
])("does not take a password %s", async (_, line, mode) => {
  const warned = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const { password, ...others } = parts();
  stubEnvironment({ ...others, PGPASSFILE: passwordFile(line.replace("PASSWORD", password), mode) });
  const { code, stderr } = await runCli("status");
  warned.mockRestore();
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/password/) as string });
});

it("prefers PGHOSTADDR to PGHOST, and a URL with a host to both", async () => {
  const { password, ...others } = parts();
  stubEnvironment({
    ...others,
    PGPASSWORD: password,
    PGHOST: "no.such.host.invalid",
    PGHOSTADDR: others.PGHOST,
  });
  expect(await runCli("verify")).toMatchObject({ code: 0 });
  stubEnvironment({ PGHOSTADDR: "192.0.2.1", PGSERVICE: "shop" });
  expect(await runCli("verify", "--database-url", db.url)).toMatchObject({ code: 0 });
});

it.each([
  [{ PGSERVICE: "shop" }, [], "PGSERVICE is not supported: set PGHOST, or pass a URL that names a host"],
  [{}, ["--database-url", "postgres://a/b?service=shop"], "service=shop is not supported: leave out service"],
])("refuses the service of a file of libpq's: %j %j", async (values, args, line) => {
  stubEnvironment(values);
  expect(await runCli("verify", ...args)).toEqual({ code: 1, stdout: "", stderr: `vmstate: ${line}\n` });
});
