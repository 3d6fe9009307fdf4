import { startEmbedded } from "../../src/embedded/start.js";
import { startContainer } from "./container.js";
import { SYSTEM_ROOT, systemBin } from "./system-programs.js";

export interface TestServer {
  kind: "given" | keyof typeof starters;
  /** Which server this is, for one line of output. */
  label: string;
  /** A superuser's connection string to a database that the tests leave alone. */
  url: string;
  stop: () => Promise<void>;
}

export type StartedServer = Omit<TestServer, "kind">;

const starters = {
  testcontainers: startContainer,
  embedded: async () => labelled("embedded", await startEmbedded()),
  system: async () => labelled("system", await startEmbedded({ bin: requireSystemBin() })),
};

/**
 * The server for this run: the one at TEST_DATABASE_URL, or else the kind that TEST_DB names, or else the
 * first kind that works here.
 */
export async function startTestServer(env: NodeJS.ProcessEnv = process.env): Promise<TestServer> {
  const { TEST_DATABASE_URL: url, TEST_DB: kind = "auto" } = env;
  if (url) return { kind: "given", label: "TEST_DATABASE_URL", url, stop: () => Promise.resolve() };
  if (kind === "auto") return await startFirst();
  if (!isKind(kind)) throw new Error(`TEST_DB is ${kind}, not auto, ${Object.keys(starters).join(", ")}`);
  return { kind, ...(await starters[kind]()) };
}

function isKind(name: string): name is keyof typeof starters {
  return Object.hasOwn(starters, name);
}

async function startFirst(): Promise<TestServer> {
  const failures: string[] = [];
  for (const kind of Object.keys(starters).filter(isKind)) {
    try {
      return { kind, ...(await starters[kind]()) };
    } catch (error) {
      failures.push(`${kind}: ${String(error)}`);
    }
  }
  throw new Error(["no PostgreSQL server for the tests", ...failures].join("\n  "));
}

function labelled(label: string, { url, stop }: Omit<StartedServer, "label">): StartedServer {
  return { label, url, stop };
}

function requireSystemBin(): string {
  const bin = systemBin(["initdb", "postgres"]);
  if (bin !== undefined) return bin;
  throw new Error(`no PostgreSQL ${process.env["TEST_PG_MAJOR"] ?? "15 or newer"} in ${SYSTEM_ROOT}`);
}
