import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { openConnection } from "../../src/connection/open.js";
import { createTestDatabase } from "../../src/testing/index.js";
import { runCli } from "../cli/run-cli.js";
import { Scenario } from "../cli/scenario.js";
import { withDatabase } from "../support/database.js";
import { type PoolerKind, startPooler } from "./pooler.js";

const db = withDatabase();
let web: Scenario;
beforeAll(async () => {
  web = await new Scenario(db.sql).createStopped();
});

const withSearch = (search: string, url = db.url): string => Object.assign(new URL(url), { search }).href;

/** URLs as hosted services hand them out; the server of the tests has no TLS. */
const SHAPES = {
  Neon: "sslmode=prefer&channel_binding=prefer&application_name=shop",
  "Supabase's pooler":
    "pgbouncer=true&connection_limit=1&supa=base-pooler.x&workaround=supabase-pooler.vercel",
  Prisma:
    "schema=public&connection_limit=5&pool_timeout=0&sslaccept=strict&statement_cache_size=0&connect_timeout=30",
  Heroku: "",
  RDS: "sslmode=allow&sslnegotiation=postgres",
  libpq:
    "connect_timeout=0&keepalives=0&keepalives_idle=5&keepalives_count=2&tcp_user_timeout=9&target_session_attrs=any",
  "libpq, of a primary":
    "target_session_attrs=read-write&gssencmode=prefer&client_encoding=auto&options=-c%20geqo%3Doff",
  "node-postgres":
    "uselibpqcompat=true&statement_timeout=60000&query_timeout=1&idle_in_transaction_session_timeout=60000",
  "postgres.js": "max=3&idle_timeout=1&prepare=false&search_path=nowhere&fetch_types=false",
  JDBC: "currentSchema=public&ssl=false&tcpKeepAlive=true&ApplicationName=shop",
  asyncpg: "prepared_statement_cache_size=0&server_settings=x&command_timeout=3",
  "a directory of its own": "target_session_attrs=prefer-standby&sslmode=disable",
};

const COMMANDS: [string, () => string[]][] = [
  ["migrate", () => ["migrate"]],
  ["migrate status", () => ["migrate", "status"]],
  ["migrate plan", () => ["migrate", "plan"]],
  ["status", () => ["status"]],
  ["show", () => ["show", web.instanceId]],
  ["explain", () => ["explain", web.instanceId]],
  ["verify", () => ["verify"]],
  ["demo", () => ["demo"]],
];

describe.each(COMMANDS)("vmstate %s takes the URL of", (_, args) => {
  it.each(Object.entries(SHAPES))("%s", async (_, search) => {
    const { code, stderr } = await runCli(...args(), "--database-url", withSearch(search));
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("vmstate:") as string });
  });
});

it.each(Object.entries(SHAPES))("a test database on the server at the URL of %s", async (_, search) => {
  const database = await createTestDatabase({ serverUrl: withSearch(search) });
  const [row] = await database.sql`select to_regclass('vmstate.instance') is not null as found`;
  expect(row).toEqual({ found: true });
  await database.close();
});

describe("a setting in the URL of the user", () => {
  async function valueOf(url: string, setting: string): Promise<unknown> {
    const { client } = await openConnection(url, "test");
    const { rows } = await client.query<Record<string, unknown>>(`show ${setting}`);
    await client.end();
    return Object.values(rows[0] ?? {})[0];
  }

  it.each(["refuses", "ignores"] satisfies PoolerKind[])(
    "reaches the server, through a pooler that %s options if it can",
    async (kind) => {
      const search = "options=-c%20geqo_threshold%3D13";
      await using pooler = await startPooler(kind, db.url);
      expect(await valueOf(withSearch(search, pooler.url), "geqo_threshold")).toBe(
        kind === "refuses" ? "13" : "12",
      );
      expect(await valueOf(withSearch(search), "geqo_threshold")).toBe("13");
    },
  );

  it("does not override search_path and statement_timeout", async () => {
    const search = "options=-csearch_path%3Dpublic%20-c%20statement_timeout%3D7";
    expect(await valueOf(withSearch(search), "search_path")).toBe("pg_catalog, pg_temp");
    expect(await valueOf(withSearch(search), "statement_timeout")).toBe("0");
  });

  it.each([
    ["application_name=shop", "application_name", "shop"],
    ["", "application_name", "test"],
    ["role=pg_monitor", "role", "pg_monitor"],
  ])("%s: %s is %s", async (search, setting, value) => {
    expect(await valueOf(withSearch(search), setting)).toBe(value);
  });

  it.each([
    ["options=endpoint%3Dep-1", "invalid command-line argument for server process: endpoint=ep-1"],
    ["connect_timeout=soon", "connect_timeout must be a whole number, not soon"],
    [
      "target_session_attrs=best",
      "target_session_attrs must be any, read-write, read-only, primary, standby or prefer-standby, not best",
    ],
    ["target_session_attrs=standby", "satisfies target_session_attrs=standby"],
    ["target_session_attrs=read-only", "satisfies target_session_attrs=read-only"],
    ["sslmode=require", "does not offer TLS, which sslmode, sslnegotiation or channel_binding requires"],
    ["sslnegotiation=now", "sslnegotiation must be postgres or direct, not now"],
    ["role=nobody_at_all", 'role "nobody_at_all" does not exist'],
  ])("fails with one line if the server refuses it: %s", async (search, problem) => {
    const { code, stderr } = await runCli("status", "--database-url", withSearch(search));
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(problem) as string });
    expect(stderr.split("\n")).toHaveLength(2);
  });
});

describe("a URL with several hosts", () => {
  const withHosts = (hosts: string, search = ""): string =>
    withSearch(search).replace(new URL(db.url).host, hosts);

  it("uses the first host that answers and matches target_session_attrs", async () => {
    const { host } = new URL(db.url);
    const down = await unusedPort();
    for (const search of ["", "target_session_attrs=primary", "target_session_attrs=prefer-standby"])
      expect(
        await runCli("verify", "--database-url", withHosts(`127.0.0.1:${down},${host}`, search)),
      ).toMatchObject({ code: 0, stderr: "" });
  });

  it("reports the failure of the first host, and stops at a wrong password", async () => {
    const [one, other] = [await unusedPort(), await unusedPort()];
    const hosts = `127.0.0.1:${one},127.0.0.1:${other}`;
    expect((await runCli("verify", "--database-url", withHosts(hosts))).stderr).toBe(
      `vmstate: cannot reach PostgreSQL at ${hosts}: connect ECONNREFUSED 127.0.0.1:${one}\n`,
    );
    const wrong = withHosts(`${new URL(db.url).host},127.0.0.1:${other}`).replace(/:[^:@]*@/, ":hunter2@");
    expect((await runCli("verify", "--database-url", wrong)).stderr).toMatch(
      / refused user ".*": wrong password, or no such user\n$/,
    );
  });
});

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
