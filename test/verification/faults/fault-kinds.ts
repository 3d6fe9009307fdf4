import type { Sql } from "postgres";
import { CANCELLED, CUT, IDLE_TIMEOUT, LOCK_TIMEOUT } from "./expected-errors.js";
import type { ClientTask } from "./client-task.js";
import type { Counted } from "./totals.js";
import { processClient, socketClient, survivingClient, type TargetClient } from "./clients.js";

/** Where a client waits when the fault hits; under way: the fault hits at any time. */
export type Point =
  | "connected"
  | "locked out"
  | `having written ${"instance" | "vmm" | "migration"}`
  | "in its transaction"
  | "committing"
  | "answered"
  | "under way";

/** A kind of fault that hits a client. */
export interface FaultKind {
  name: string;
  counts: Counted;
  hits: (point: Point) => boolean;
  target: (task: ClientTask) => Promise<TargetClient>;
  /** Causes the fault; undefined if the settings of the session cause it. */
  inject?: (target: TargetClient, sql: Sql, pid: number) => unknown;
  settings?: string;
  /** The SQLSTATEs that a client which survives the fault may get. */
  codes?: readonly string[];
}

const isAtWork = (point: Point): boolean => point !== "connected" && point !== "answered";
const isWaiting = (point: Point): boolean =>
  isAtWork(point) && point !== "in its transaction" && point !== "under way";
const kill = (target: TargetClient): void => target.kill();

export const faultKinds: readonly FaultKind[] = [
  {
    name: "closed socket",
    counts: "deaths",
    hits: () => true,
    target: (task) => socketClient(task, "close"),
    inject: kill,
  },
  {
    name: "reset socket",
    counts: "deaths",
    hits: () => true,
    target: (task) => socketClient(task, "reset"),
    inject: kill,
  },
  {
    name: "killed process",
    counts: "deaths",
    hits: (point) => point !== "under way",
    target: processClient,
    inject: kill,
  },
  {
    name: "pg_terminate_backend",
    counts: "terminations",
    hits: isAtWork,
    target: survivingClient,
    inject: (_, sql, pid) => sql`select pg_terminate_backend(${pid})`,
    codes: CUT,
  },
  {
    name: "pg_cancel_backend",
    counts: "cancellations",
    hits: isWaiting,
    target: survivingClient,
    inject: (_, sql, pid) => sql`select pg_cancel_backend(${pid})`,
    codes: [CANCELLED],
  },
  {
    name: "statement_timeout",
    counts: "timeouts",
    // The time of a COMMIT does not count.
    hits: (point) => isWaiting(point) && point !== "committing",
    target: survivingClient,
    settings: "-c statement_timeout=100ms",
    codes: [CANCELLED],
  },
  {
    name: "lock_timeout",
    counts: "timeouts",
    hits: isWaiting,
    target: survivingClient,
    settings: "-c lock_timeout=50ms",
    codes: [LOCK_TIMEOUT],
  },
  {
    name: "idle_in_transaction_session_timeout",
    counts: "timeouts",
    hits: (point) => point === "in its transaction",
    target: survivingClient,
    settings: "-c idle_in_transaction_session_timeout=50ms",
    codes: [IDLE_TIMEOUT, ...CUT],
  },
];
