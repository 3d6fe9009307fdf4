import { userInfo } from "node:os";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseDatabaseUrl } from "../../src/errors/database-url/url.js";

beforeEach(() => {
  for (const name of Object.keys(process.env).filter((name) => name.startsWith("PG")))
    vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const PLAIN = { user: "ann", password: "secret", database: "fleet" };

describe("a database URL", () => {
  it.each([
    ["postgres://ann:secret@db.example/fleet", ["db.example:5432"], "db.example"],
    ["postgresql://ann:secret@db.example:5433/fleet", ["db.example:5433"], "db.example:5433"],
    ["postgres://ann:secret@[::1]:5433/fleet", ["::1:5433"], "[::1]:5433"],
    ["postgres://ann:secret@a:1,b:2/fleet", ["a:1", "b:2"], "a:1,b:2"],
    ["postgres://ann:secret@a,b:2/fleet", ["a:5432", "b:2"], "a,b:2"],
    ["postgres://ann:secret@/fleet?host=/run/pg", ["/run/pg:5432"], "/run/pg"],
    [
      "postgres://ann:secret@localhost/fleet?host=/cloudsql/a:b:c",
      ["/cloudsql/a:b:c:5432"],
      "/cloudsql/a:b:c",
    ],
    ["postgres://ann:secret@%2Frun%2Fpg:5433/fleet", ["/run/pg:5433"], "/run/pg:5433"],
    ["postgres:///?host=a,b&port=7&user=ann&password=secret&dbname=fleet", ["a:7", "b:7"], "a:7,b:7"],
    ["postgres:///?hostaddr=::1&port=7&user=ann&password=secret&dbname=fleet", ["::1:7"], "[::1]:7"],
    ["postgres://ann:secret@/fleet", ["localhost:5432"], "localhost"],
  ])("%s", (url, hosts, where) => {
    const parsed = parseDatabaseUrl(url);
    expect(parsed).toMatchObject({ ...PLAIN, where });
    expect(parsed.hosts.map(({ name, port }) => `${name}:${port}`)).toEqual(hosts);
  });

  it("decodes percent-encoding", () => {
    const parsed = parseDatabaseUrl("postgres://a%40b:p%3Aw%2F%25@db.example/my%20fleet");
    expect(parsed).toMatchObject({ user: "a@b", password: "p:w/%", database: "my fleet" });
  });

  it("takes missing parts from the environment, as libpq does", () => {
    vi.stubEnv("PGUSER", "bob");
    vi.stubEnv("PGPASSWORD", "other");
    vi.stubEnv("PGDATABASE", "herd");
    vi.stubEnv("PGHOST", "/run/pg");
    vi.stubEnv("PGPORT", "7");
    vi.stubEnv("PGSSLMODE", "require");
    expect(parseDatabaseUrl("postgres://")).toMatchObject({
      ...{ user: "bob", password: "other", database: "herd", hosts: [{ name: "/run/pg", port: 7 }] },
      parameters: { sslmode: "require" },
    });
    expect(parseDatabaseUrl("postgres://ann:secret@a:1/fleet?sslmode=disable")).toMatchObject({
      ...{ ...PLAIN, hosts: [{ name: "a", port: 1 }], parameters: { sslmode: "disable" } },
    });
  });

  it("has the operating system's user as default user and database", () => {
    const { username } = userInfo();
    expect(parseDatabaseUrl("postgres://db.example")).toMatchObject({ user: username, database: username });
  });

  it.each([
    ["postgres://a:b:c/fleet", "expected postgres://"],
    ["postgres://a:70000/fleet", 'a port is a number from 1 to 65535, not "70000"'],
    ["postgres://a/fleet?port=x", 'a port is a number from 1 to 65535, not "x"'],
    ["postgres://a/fl%eet", "as %25"],
    [
      "postgres://a/fleet?gssencmode=require",
      "gssencmode=require is not supported: leave out gssencmode and PGGSSENCMODE",
    ],
    [
      "postgres://a/fleet?require_auth=scram-sha-256",
      "require_auth=scram-sha-256 is not supported: leave out require_auth and PGREQUIREAUTH",
    ],
  ])("is refused: %s", (url, problem) => {
    expect(() => parseDatabaseUrl(url)).toThrow(problem);
  });
});

describe("the parameters of a database URL", () => {
  const parametersOf = (query: string): object => parseDatabaseUrl(`postgres://a/b?${query}`).parameters;

  it("drop names that neither libpq nor the server knows", () => {
    const query =
      "schema=public&pgbouncer=true&connection_limit=1&pool_timeout=0&sslaccept=strict&statement_cache_size=0&uselibpqcompat=true&supa=base-pooler.x&client_encoding=utf8&max=3&prepare=false&workaround=supabase-pooler.vercel";
    expect(parametersOf(query)).toEqual({ options: "" });
  });

  it("add settings of the server to options, with blanks escaped", () => {
    expect(parametersOf("options=-c%20role%3Downer&search_path=a,%20b&statement_timeout=5s")).toEqual({
      options: String.raw`-c role=owner -c search_path=a,\ b -c statement_timeout=5s`,
    });
  });

  it("take ssl=true as sslmode=require, unless sslmode is set", () => {
    expect(parametersOf("ssl=true")).toMatchObject({ sslmode: "require" });
    expect(parametersOf("ssl=true&sslmode=verify-full")).toMatchObject({ sslmode: "verify-full" });
    expect(parametersOf("ssl=false&sslmode=")).toEqual({ options: "" });
  });
});
