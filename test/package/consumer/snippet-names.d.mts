import type client from "postgres";
import type {
  BeginStartArguments,
  DrizzleClient,
  KyselyClient,
  PgClient,
  PrismaClient,
  ReportVmmArguments,
  VmmAddress,
  Vmstate,
} from "vmstate";
import type { Instruments } from "vmstate/metrics";

type PgConnection = PgClient & { query(text: string): Promise<unknown>; release(): void };

/** What snippets use and do not declare: imports, arguments, and functions of the service that they belong to. */
declare global {
  namespace NodeJS {
    interface ProcessEnv {
      DATABASE_URL: string;
    }
  }

  const postgres: typeof client;
  const sql: client.Sql;
  const pool: PgClient & { connect(): Promise<PgConnection> };
  const kysely: KyselyClient & {
    transaction(): { execute(act: (tx: KyselyClient) => Promise<void>): Promise<void> };
  };
  const drizzle: DrizzleClient & { transaction(act: (tx: DrizzleClient) => Promise<void>): Promise<void> };
  const prisma: PrismaClient & { $transaction(act: (tx: PrismaClient) => Promise<void>): Promise<void> };
  const tracer: Instruments["tracer"];
  const meter: Instruments["meter"];
  const vm: Vmstate;
  const vmstate: typeof import("vmstate").vmstate;
  const reportVmm: typeof import("vmstate").reportVmm;
  const unwindMigration: typeof import("vmstate").unwindMigration;
  const randomUUID: typeof import("node:crypto").randomUUID;

  const instanceId: string;
  const sagaId: string;
  const propolisId: string;
  const sledId: string;
  const start: BeginStartArguments;
  const reports: ReportVmmArguments[];

  function applyNetwork(network: "keep" | "move" | "delete" | null, propolisId: string | null): Promise<void>;
  function terminate(vmms: readonly VmmAddress[]): Promise<void>;
  class BadRequest extends Error {}
}
