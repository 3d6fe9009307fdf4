import type { Call } from "../calls.js";
import { PURGED_AT_MOST } from "./purge.js";
import { LEASES } from "./update-saga.js";

const LONGEST_NAME = 63;

/** Names the argument that must be refused whatever the rows are, among the values that generated calls have. */
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
    case "report_sled":
      if (a.vmmCount < 0) return "p_vmm_count";
      return /^[0-9a-f]{64}$/i.test(a.digest) ? undefined : "p_digest";
    default:
      return undefined;
  }
}
