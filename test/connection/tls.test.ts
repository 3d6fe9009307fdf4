import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireChannelBinding } from "../../src/connection/channel-binding.js";
import { openConnection } from "../../src/connection/open.js";
import { newPool, newPlainPool } from "../../src/connection/pool.js";
import { pinned } from "../../src/connection/tls.js";
import type { EmbeddedServer } from "../../src/embedded/start.js";
import { migrate } from "../../src/schema/migrate.js";
import { runCli } from "../cli/run-cli.js";
import { CERTIFICATES, startTlsServer } from "./tls-server.js";

let server: EmbeddedServer;
beforeAll(async () => {
  server = await startTlsServer();
  await migrate(server.url);
  const { client } = await openConnection(server.url, "test");
  await client.query(`
    create role plain superuser login password 'secret';
    create role secure superuser login password 'secret';
    create role cleartext superuser login password 'secret';
    create role trusted superuser login;
    create role owner_of_key superuser login;
    set password_encryption = md5;
    create role digest superuser login password 'secret'`);
  await client.end();
});
afterAll(() => server.stop());

const file = (name: string): string => join(CERTIFICATES, name);
const CA = `sslrootcert=${file("ca.crt")}`;

interface Access {
  user?: string;
  host?: string;
}

function urlOf(search: string, { user, host = "127.0.0.1" }: Access = {}): string {
  const url = Object.assign(new URL(server.url), { search, hostname: host });
  return user === undefined ? url.href : Object.assign(url, { username: user, password: "secret" }).href;
}

/** Whether the sessions of the two clients are encrypted. */
async function encryption(url: string): Promise<(boolean | undefined)[]> {
  const { client, route } = await openConnection(url, "test");
  const question = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
  const { rows } = await client.query<{ ssl: boolean }>(question);
  await client.end();
  const pool = await newPool(route, { max: 1 });
  const [row] = await pool.unsafe<{ ssl: boolean }[]>(question);
  await pool.end();
  return [rows[0]?.ssl, row?.ssl];
}

describe("both clients encrypt alike:", () => {
  it.each<[search: string, isEncrypted: boolean, access?: Access]>([
    ["", true],
    ["sslmode=disable", false],
    ["sslmode=allow", false],
    ["sslmode=prefer", true],
    ["sslmode=require", true],
    ["sslmode=no-verify", true],
    ["ssl=true", true],
    [`sslmode=require&${CA}`, true],
    [`sslmode=verify-ca&${CA}`, true],
    [`sslmode=verify-full&${CA}`, true, { host: "localhost" }],
    ["sslmode=require&ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.3", true],
    ["sslmode=require&channel_binding=require", true],
    [`sslmode=verify-full&${CA}&channel_binding=require`, true, { host: "localhost" }],
    ["channel_binding=require", true],
    ["channel_binding=disable", true],
    ["sslmode=prefer", false, { user: "plain" }],
    ["sslmode=allow", true, { user: "secure" }],
    [`sslcert=${file("client.crt")}&sslkey=${file("client.key")}&sslpassword=none`, true],
  ])("%s", async (search, isEncrypted, access) => {
    expect(await encryption(urlOf(search, access))).toEqual([isEncrypted, isEncrypted]);
  });

  it("sslnegotiation=direct, which servers have from PostgreSQL 17 on", async () => {
    const url = urlOf("sslnegotiation=direct");
    if (Number.parseInt(server.version, 10) >= 17) expect(await encryption(url)).toEqual([true, true]);
    else await expect(encryption(url)).rejects.toThrow("127.0.0.1");
  });
});

describe("fails with one line that names the cause:", () => {
  it.each<[search: string, problem: string | RegExp, access?: Access]>([
    ["sslmode=verify-full", /self.signed|unable to (verify|get)/],
    [`sslmode=verify-full&${CA}`, "IP: 127.0.0.1 is not in the cert's list"],
    [`sslmode=require&sslrootcert=${file("client.crt")}`, /self.signed|unable to (verify|get)/],
    ["sslrootcert=system", /self.signed|unable to (verify|get)/],
    ["sslrootcert=system&sslmode=require", "sslrootcert=system needs sslmode=verify-full, not require"],
    ["sslmode=verify-ca", "sslmode=verify-ca needs sslrootcert, the file of the authority's certificate"],
    ["sslmode=verify-ca&sslrootcert=/nowhere", "sslrootcert: /nowhere cannot be read"],
    [
      "sslmode=always",
      "sslmode must be disable, allow, prefer, require, verify-ca, verify-full or no-verify, not always",
    ],
    [
      "ssl_min_protocol_version=1",
      "ssl_min_protocol_version must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3, not 1",
    ],
    ["sslmode=disable", 'refused user "secure"', { user: "secure" }],
    ["sslmode=prefer", 'refused user "stranger"', { user: "stranger" }],
    ["sslmode=require", 'refused user "plain"', { user: "plain" }],
    ["channel_binding=always", "channel_binding must be disable, prefer or require, not always"],
    [
      "channel_binding=require&sslmode=disable",
      "channel_binding=require needs TLS, which sslmode or the host rules out",
    ],
    [
      "channel_binding=require",
      "the server does not offer SCRAM-SHA-256-PLUS for this user",
      { user: "cleartext" },
    ],
    [
      "channel_binding=require",
      "the server does not offer SCRAM-SHA-256-PLUS for this user",
      { user: "digest" },
    ],
    [
      "channel_binding=require",
      "the server does not offer SCRAM-SHA-256-PLUS for this user",
      { user: "trusted" },
    ],
  ])("%s", async (search, problem, access) => {
    for (const command of ["migrate", "status"]) {
      const { code, stderr } = await runCli(command, "--database-url", urlOf(search, access));
      expect(code).toBe(1);
      expect(stderr).toMatch(problem);
      expect(stderr.split("\n")).toHaveLength(2);
    }
  });
});

it("both clients connect as a user without a password that the server trusts", async () => {
  const url = Object.assign(new URL(urlOf("")), { username: "trusted", password: "" }).href;
  expect(await encryption(url)).toEqual([true, true]);
});

describe("channel binding", () => {
  it("is refused if the server does not offer it, as with a man in the middle", () => {
    const client = new pg.Client();
    const certificate = requireChannelBinding(client);
    client.connection.stream.on("error", () => undefined);
    client.connection.emit("authenticationSASL", { mechanisms: ["SCRAM-SHA-256"] });
    expect(client.connection.stream.destroyed).toBe(true);
    expect(certificate).toThrow("the server does not offer SCRAM-SHA-256-PLUS for this user");
  });

  it("pins the certificate for the second client", async () => {
    const { client, route } = await openConnection(urlOf("channel_binding=require"), "test");
    await client.end();
    const other = new X509Certificate(readFileSync(file("client.crt"))).raw;
    const pool = await newPool({ ...route, tls: pinned({}, other) }, { max: 1 });
    await expect(pool`select 1`).rejects.toThrow(/unable to verify|unable to get|self.signed/);
    await pool.end();
  });
});

it("a client of the test database uses the same route", async () => {
  const { client, route } = await openConnection(urlOf("options=-c%20geqo_threshold%3D13"), "test");
  await client.end();
  const pool = await newPlainPool(route);
  const [row] =
    await pool`select current_setting('geqo_threshold') as own, current_setting('search_path') as path`;
  expect(row).toEqual({ own: "13", path: '"$user", public' });
  await pool.end();
});
