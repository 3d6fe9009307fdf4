import { type SqlClient, vmstate, type Vmstate } from "../../src/index.js";
import { snakeCase } from "./verbs.js";

/**
 * By function, the argument of a call that needs nothing but an instance. Every test that calls each verb makes these
 * calls too, at a time of its own choice: so a verb of this kind is added here, and to none of those tests.
 */
export const PLAIN_CALLS = {
  renameInstance: (instanceId: string) => ({ instanceId, name: instanceId }),
  requestReboot: (instanceId: string) => ({ instanceId }),
  explainUpdate: (instanceId: string) => ({ instanceId }),
} satisfies { [F in keyof Vmstate]?: (instanceId: string) => Parameters<Vmstate[F]>[0] };

export type PlainFunction = keyof typeof PLAIN_CALLS;

export const PLAIN_FUNCTIONS = Object.keys(PLAIN_CALLS) as [PlainFunction, ...PlainFunction[]];
/** The same functions by their names in SQL. */
export const PLAIN_VERBS: readonly string[] = PLAIN_FUNCTIONS.map(snakeCase);

/** Returns a function that makes the call on an instance. */
export function plainCall(
  name: PlainFunction,
  instanceId: string,
): (sql: SqlClient) => Promise<{ outcome: string }> {
  return (sql) => {
    const act = vmstate(sql)[name] as (argument: unknown) => Promise<{ outcome: string }>;
    return act(PLAIN_CALLS[name](instanceId));
  };
}

/** The arguments of the call by their names in SQL. */
export function plainArguments(name: PlainFunction, instanceId: string): Record<string, string> {
  const entries = Object.entries<string>(PLAIN_CALLS[name](instanceId));
  return Object.fromEntries(entries.map(([key, value]) => [`p_${snakeCase(key)}`, value]));
}
