import type { Client } from "pg";
import { VmstateError } from "../errors/vmstate-error.js";
import { oneOf, type Parameters } from "../errors/database-url/parameters.js";

const ATTRIBUTES = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;

/** Tells whether to take a server. The second choice is tried only if no server fits the first. */
export type Choice = (client: Client) => Promise<boolean>;

/**
 * Lists the choices of `target_session_attrs`, the first to try first.
 *
 * Our sessions are not read-only by default, so a server is for reading alone exactly when it is a standby.
 */
export function choices({ target_session_attrs: attributes = "any" }: Parameters): Choice[] {
  switch (oneOf("target_session_attrs", attributes, ATTRIBUTES)) {
    case "any":
      return [any];
    case "read-write":
    case "primary":
      return [isPrimary];
    case "read-only":
    case "standby":
      return [isStandby];
    case "prefer-standby":
      return [isStandby, any];
  }
}

export function noneFits({ target_session_attrs: attributes }: Parameters, where: string): VmstateError {
  return new VmstateError(`no server of ${where} satisfies target_session_attrs=${String(attributes)}`);
}

function any(): Promise<boolean> {
  return Promise.resolve(true);
}

async function isPrimary(client: Client): Promise<boolean> {
  return !(await isStandby(client));
}

async function isStandby(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ isStandby: boolean }>(
    'select pg_catalog.pg_is_in_recovery() as "isStandby"',
  );
  return rows.some((row) => row.isStandby);
}
