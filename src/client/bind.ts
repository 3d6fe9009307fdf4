import * as access from "./access.js";
import * as controlPlane from "./control-plane.js";
import { type FinishedCall, watchedCall } from "./finished-call.js";
import * as historyViews from "./history-views.js";
import * as history from "./history.js";
import * as operator from "./operator.js";
import type { SqlClient } from "./sql-client.js";
import * as sledAgent from "./sled-agent.js";
import * as updateSaga from "./update-saga.js";
import * as views from "./views.js";

const functions = {
  ...controlPlane,
  ...sledAgent,
  ...updateSaga,
  ...operator,
  ...views,
  ...history,
  ...historyViews,
  ...access,
};

type Functions = typeof functions;

/** Every function of this package, without its first parameter. */
export type Vmstate = {
  [K in keyof Functions]: Functions[K] extends (sql: SqlClient, ...rest: infer Rest) => infer Answer
    ? (...rest: Rest) => Answer
    : never;
};

export interface VmstateOptions {
  /** Hears how each call ended, for logs and metrics. What it throws is ignored. */
  onCall?: ((call: FinishedCall) => void) | undefined;
}

type Call = (...rest: unknown[]) => Promise<unknown>;

/**
 * Binds the functions of this package to one client.
 *
 * `vmstate(sql).beginStart({ … })`. The client may be a transaction or a reserved connection, too.
 */
export function vmstate(sql: SqlClient, { onCall }: VmstateOptions = {}): Vmstate {
  const bind =
    (call: (sql: SqlClient, ...rest: unknown[]) => Promise<unknown>): Call =>
    (...rest) =>
      call(sql, ...rest);
  const watch =
    (name: string, call: Call): Call =>
    (...rest) =>
      onCall ? watchedCall(name, () => call(...rest), onCall) : call(...rest);
  const bound = Object.entries(functions).map(([name, call]) => [name, watch(name, bind(call as Call))]);
  return Object.fromEntries(bound) as Vmstate;
}
