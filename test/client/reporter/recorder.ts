import type postgres from "postgres";
import type { QueryClient } from "../../../src/index.js";
import type { TestDatabase } from "../../support/database.js";

export interface Recorder extends QueryClient {
  /** For each statement that was sent, in their order, how many reports it had. */
  sizes: number[];
}

/** A client that notes how many reports each statement has, and lets PostgreSQL answer. */
export function recorder(sql: postgres.Sql): Recorder {
  const sizes: number[] = [];
  return {
    sizes,
    query: async (text, params) => {
      sizes.push(sizeOf(text, String(params[0])));
      return await sql.unsafe(text, params);
    },
  };
}

function sizeOf(text: string, reports: string): number {
  if (text.includes("report_vmm_batch")) return reports.split(",").length;
  return text.includes("report_vmms") ? (JSON.parse(reports) as unknown[]).length : 1;
}

/** A VMM whose row a transaction of its own holds, so that a report of the VMM waits. */
export interface HeldVmm extends AsyncDisposable {
  /** Resolves once a session waits for the row, to the backend of that session. */
  waiter: () => Promise<number>;
  release: () => Promise<void>;
}

export async function holdVmm(db: TestDatabase, propolisId: string): Promise<HeldVmm> {
  const sql = db.connect({ max: 1 });
  const [{ pid }] = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
  await sql`begin`;
  await sql`select from vmstate.vmm where id = ${propolisId} for update`;
  const release = async (): Promise<void> => {
    await sql`rollback`;
  };
  return {
    waiter: async () => {
      for (;;) {
        const [session] = await db.sql<{ pid: number }[]>`
          select pid from pg_stat_activity where ${pid} = any (pg_blocking_pids(pid))`;
        if (session !== undefined) return session.pid;
      }
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}
