import type { Sql } from "postgres";
import { CANCELLED, CUT, IDLE_TIMEOUT, LOCK_TIMEOUT } from "./expected-errors.js";
import type { Order } from "./order.js";
import type { Counted } from "./totals.js";
import { processVictim, socketVictim, survivor, type Victim } from "./clients.js";

/** Where a client is held when it is struck; under way: at no certain place. */
export type Point =
  | "connected"
  | "locked out"
  | `having written ${"instance" | "vmm" | "migration"}`
  | "in its transaction"
  | "committing"
  | "answered"
  | "under way";

/** What happens to it. */
export interface Blow {
  name: string;
  counts: Counted;
  hits: (point: Point) => boolean;
  victim: (order: Order) => Promise<Victim>;
  /** Not, if the session's settings do. */
  strike?: (victim: Victim, sql: Sql, pid: number) => unknown;
  settings?: string;
  /** The errors that a client gets that survives. */
  codes?: readonly string[];
}

const isAtWork = (point: Point): boolean => point !== "connected" && point !== "answered";
const isWaiting = (point: Point): boolean =>
  isAtWork(point) && point !== "in its transaction" && point !== "under way";
const kill = (victim: Victim): void => victim.kill();

export const blows: readonly Blow[] = [
  {
    name: "closed socket",
    counts: "deaths",
    hits: () => true,
    victim: (order) => socketVictim(order, "close"),
    strike: kill,
  },
  {
    name: "reset socket",
    counts: "deaths",
    hits: () => true,
    victim: (order) => socketVictim(order, "reset"),
    strike: kill,
  },
  {
    name: "killed process",
    counts: "deaths",
    hits: (point) => point !== "under way",
    victim: processVictim,
    strike: kill,
  },
  {
    name: "pg_terminate_backend",
    counts: "terminations",
    hits: isAtWork,
    victim: survivor,
    strike: (_, sql, pid) => sql`select pg_terminate_backend(${pid})`,
    codes: CUT,
  },
  {
    name: "pg_cancel_backend",
    counts: "cancellations",
    hits: isWaiting,
    victim: survivor,
    strike: (_, sql, pid) => sql`select pg_cancel_backend(${pid})`,
    codes: [CANCELLED],
  },
  {
    name: "statement_timeout",
    counts: "timeouts",
    // The time of a COMMIT does not count.
    hits: (point) => isWaiting(point) && point !== "committing",
    victim: survivor,
    settings: "-c statement_timeout=100ms",
    codes: [CANCELLED],
  },
  {
    name: "lock_timeout",
    counts: "timeouts",
    hits: isWaiting,
    victim: survivor,
    settings: "-c lock_timeout=50ms",
    codes: [LOCK_TIMEOUT],
  },
  {
    name: "idle_in_transaction_session_timeout",
    counts: "timeouts",
    hits: (point) => point === "in its transaction",
    victim: survivor,
    settings: "-c idle_in_transaction_session_timeout=50ms",
    codes: [IDLE_TIMEOUT, ...CUT],
  },
];
