import { createHash } from "node:crypto";
import type { ReportSledArguments, VmmState } from "../../../../src/client/generated.js";
import { dead } from "../../../sql/model.js";
import { conflicts } from "./documented.js";
import type { Step } from "./step.js";
import { type World, write } from "./world.js";

/** Every outcome and reason that a verb of this file may answer. */
export const ANSWERS = {
  report_sled: ["applied", ...conflicts("differs"), "VM001 p_vmm_count", "VM001 p_digest"],
} as const;

/** A VMM by the word of its sled, or of the database. */
export interface Said {
  id: string;
  state: VmmState;
}

/** Compares the VMMs of a sled with those of the database, at one moment. */
export function reportSled(world: World, a: ReportSledArguments): Step {
  return sledReported(world, a, isAgreed(world, a));
}

/** Whether the sled has just the VMMs that it should have, in their states. */
export function isAgreed(world: World, { sledId, vmmCount, digest }: ReportSledArguments): boolean {
  const expected = vmmsOn(world, sledId);
  return vmmCount === expected.length && digest === digestOf(expected);
}

/** Records that the sled is alive, and that it agreed, if it did. */
export function sledReported(world: World, { sledId, vmmCount }: ReportSledArguments, agrees: boolean): Step {
  const timeReported = world.now;
  const timeAgreed = agrees ? timeReported : (world.sleds[sledId]?.timeAgreed ?? null);
  return {
    world: write(world, { sled: { sledId, timeReported, timeAgreed, vmmCount } }),
    answer: {
      ...(agrees ? { outcome: "applied", reason: null } : { outcome: "conflict", reason: "differs" }),
      ...{ sledId, vmmCount: vmmsOn(world, sledId).length, timeReported, timeAgreed },
    },
  };
}

/** The VMMs that a sled has if nothing went wrong: those that it was heard of, and that live. */
export function vmmsOn(world: World, sledId: string): Said[] {
  return Object.values(world.vmms).filter(
    (vmm) => vmm.sledId === sledId && vmm.state !== "creating" && !dead(vmm.state),
  );
}

/** Computes the digest as the documentation of report_sled defines it. */
export function digestOf(vmms: readonly Said[]): string {
  const lines = vmms.map(({ id, state }) => `${id} ${state}\n`);
  return createHash("sha256").update(lines.toSorted().join("")).digest("hex");
}
