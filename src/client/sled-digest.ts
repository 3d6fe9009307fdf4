import type { ReportedVmmState } from "./generated.js";

/** A VMM, as the agent of its sled knows it. */
export interface SledVmm {
  propolisId: string;
  state: ReportedVmmState;
}

/** What {@link reportSled} takes besides the sled. */
export interface SledDigest {
  /** How many of the VMMs live. */
  vmmCount: number;
  /** The SHA-256 of the ids and states of those that live. */
  digest: string;
}

/**
 * Counts the living VMMs of a sled, and makes the digest of their ids and states that {@link reportSled} takes.
 *
 * Leaves out VMMs that are `failed` or `destroyed`. Leave out yourself those of which a report was answered `terminal` or
 * `gone`. The order of the VMMs does not matter.
 */
export async function sledDigest(vmms: Iterable<SledVmm>): Promise<SledDigest> {
  const lines = [...vmms]
    .filter(({ state }) => state !== "failed" && state !== "destroyed")
    .map(({ propolisId, state }) => `${propolisId.toLowerCase()} ${state}\n`)
    .sort();
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lines.join("")));
  const digits = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0"));
  return { vmmCount: lines.length, digest: digits.join("") };
}
