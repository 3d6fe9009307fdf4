import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { runCli } from "./run-cli.js";

let empty: TestDatabase;
let db: TestDatabase;
beforeAll(async () => {
  [empty, db] = await Promise.all([createEmptyDatabase(), createDatabase()]);
});
afterAll(async () => {
  await Promise.all([empty.drop(), db.drop()]);
});
beforeEach(() => {
  vi.stubEnv("DATABASE_URL", undefined);
  for (const name of ["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE"]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const READERS = [
  ["status"],
  ["list"],
  ["verify"],
  ["show", crypto.randomUUID()],
  ["explain", crypto.randomUUID()],
];
const OPENERS = [...READERS, ["demo"]];
const ALL = [...OPENERS, ["migrate"]];

/** What every failure must look like: nothing on stdout, one line on stderr. */
function failure(line: string): { code: number; stdout: string; stderr: string } {
  return { code: 1, stdout: "", stderr: `vmstate: ${line}\n` };
}

const urlWith = (change: Partial<URL>): string => Object.assign(new URL(db.url), change).href;

describe("the database", () => {
  it.each(READERS.concat([["migrate"]]))("has to be named for %s", async (...args) => {
    const line = "no database is named: pass --database-url, or set DATABASE_URL or PGHOST";
    expect(await runCli(...args)).toEqual(failure(line));
    vi.stubEnv("DATABASE_URL", "");
    expect(await runCli(...args)).toEqual(failure(line));
  });

  it("is that of DATABASE_URL, unless --database-url is given", async () => {
    vi.stubEnv("DATABASE_URL", db.url);
    expect(await runCli("verify")).toMatchObject({ code: 0 });
    expect(await runCli("verify", "--database-url", empty.url)).toMatchObject({ code: 1 });
  });
});

describe("fails with one line that names the cause:", () => {
  it.each(OPENERS)("%s: not migrated", async (...args) => {
    const result = await runCli(...args, "--database-url", empty.url);
    expect(result).toEqual(failure("this database has no schema vmstate: run `vmstate migrate`"));
  });

  it.each(ALL)("%s: not a URL", async (...args) => {
    const result = await runCli(...args, "--database-url", "app");
    const line = "not a database URL; expected postgres://user:password@host:port/database";
    expect(result).toEqual(failure(line));
  });

  it.each(ALL)("%s: a password with a %, which is not repeated", async (...args) => {
    const result = await runCli(...args, "--database-url", "postgres://root:se%cret@127.0.0.1/app");
    const line = "not a database URL: write a % (in a password, for example) as %25";
    expect(result).toEqual(failure(line));
  });

  it.each(ALL)("%s: no server at the port", async (...args) => {
    const port = await unusedPort();
    const result = await runCli(...args, "--database-url", `postgres://u:p@127.0.0.1:${port}/app`);
    const line = `cannot reach PostgreSQL at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`;
    expect(result).toEqual(failure(line));
  });

  it.each(ALL)("%s: a wrong password, which is not repeated", async (...args) => {
    const result = await runCli(...args, "--database-url", urlWith({ password: "hunter2" }));
    const { host, username } = new URL(db.url);
    expect(result).toEqual(failure(`${host} refused user "${username}": wrong password, or no such user`));
  });

  it.each(ALL)("%s: no such database", async (...args) => {
    const result = await runCli(...args, "--database-url", urlWith({ pathname: "/no_such_database" }));
    expect(result).toEqual(failure(`${new URL(db.url).host} has no database "no_such_database"`));
  });

  it("a user without rights", async () => {
    const role = `vmstate_test_cli_${process.pid}`;
    await db.sql.unsafe(`create role ${role} login password 'secret'`);
    const result = await runCli("status", "--database-url", urlWith({ username: role, password: "secret" }));
    await db.sql.unsafe(`drop role ${role}`);
    expect(result).toEqual(failure(`user "${role}" lacks a privilege: permission denied for schema vmstate`));
  });

  it.each(["status", "demo", "migrate"])("%s: a server that is too old", async (command) => {
    await using old = await startOldServer();
    const result = await runCli(command, "--database-url", old.url);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/^vmstate: PostgreSQL 15 or newer is required; this server is 14.*\n$/);
  });

  it.each([
    ["hangs up", () => createHttpServer(), ": the connection was closed"],
    ["sends nothing", () => createServer(), " within 1 s"],
  ])("a server that is not PostgreSQL and %s", async (_, newServer, problem) => {
    await using server = await listen(newServer());
    const url = `postgres://u:p@127.0.0.1:${server.port}/app?connect_timeout=1`;
    for (const command of ["status", "migrate"])
      expect(await runCli(command, "--database-url", url)).toEqual(
        failure(`no PostgreSQL answers at 127.0.0.1:${server.port}${problem}`),
      );
  });
});

async function listen(server: Server): Promise<AsyncDisposable & { port: number }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  const close = async (): Promise<void> => {
    const closed = new Promise((done) => server.close(done));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port, [Symbol.asyncDispose]: close };
}

async function unusedPort(): Promise<number> {
  await using server = await listen(createServer());
  return server.port;
}

/** The test server behind a proxy that writes 14 wherever the server sends its version. */
async function startOldServer(): Promise<AsyncDisposable & { url: string }> {
  const [row] = await db.sql<[{ version: string }]>`select current_setting('server_version') as version`;
  const { hostname, port } = new URL(db.url);
  const age = (chunk: Buffer): Buffer =>
    Buffer.from(chunk.toString("latin1").replaceAll(row.version, `14${row.version.slice(2)}`), "latin1");
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    client.on("data", (chunk) => server.write(chunk)).on("close", () => server.destroy());
    server.on("data", (chunk) => client.write(age(chunk))).on("close", () => client.destroy());
    for (const socket of [client, server]) socket.on("error", () => undefined);
  });
  const listening = await listen(proxy);
  return Object.assign(listening, { url: urlWith({ host: `127.0.0.1:${listening.port}` }) });
}
