import type { Call } from "../calls.js";
import { PURGED_AT_MOST } from "./purge.js";
import { LEASES } from "./update-saga.js";

const LONGEST_NAME = 63;

/** The argument that is refused, whatever the rows are like; of what is drawn. */
export function misused({ verb, a }: Call): string | undefined {
  switch (verb) {
    case "rename_instance":
      return a.name === "" || Array.from(a.name).length > LONGEST_NAME ? "p_name" : undefined;
    case "begin_update":
    case "inherit_update":
      return LEASES[String(a.lease)] === undefined ? "p_lease" : undefined;
    case "break_update":
      return a.reason === "" ? "p_reason" : undefined;
    case "purge":
      if (a.hoursAgo < 1) return "p_before";
      return a.limit < 1 || a.limit > PURGED_AT_MOST ? "p_limit" : undefined;
    default:
      return undefined;
  }
}
