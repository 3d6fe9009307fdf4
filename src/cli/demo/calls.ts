import { beginMigration, beginStart } from "../../client/control-plane.js";
import type { ReportedVmmState } from "../../client/generated.js";
import { reportVmm } from "../../client/sled-agent.js";
import type { Stage } from "./stage.js";

type Side = Partial<Parameters<typeof reportVmm>[1]>;

/** Links a new VMM to web. */
export async function start(stage: Stage, saga: string, propolis: string, sled: string): Promise<void> {
  await stage.call(beginStart, {
    instanceId: stage.id("web"),
    sagaId: stage.id(saga),
    propolisId: stage.id(propolis),
    sledId: stage.id(sled),
    propolisIp: "fd00::1",
  });
}

/** Web is to move to a new VMM. */
export async function migrateTo(
  stage: Stage,
  names: Record<"saga" | "migration" | "from" | "to" | "sled", string>,
): Promise<void> {
  await stage.call(beginMigration, {
    instanceId: stage.id("web"),
    sagaId: stage.id(names.saga),
    migrationId: stage.id(names.migration),
    sourcePropolisId: stage.id(names.from),
    destinationPropolisId: stage.id(names.to),
    sledId: stage.id(names.sled),
    propolisIp: "fd00::1",
  });
}

/** A sled agent's report, with the side of a migration or without. */
export async function report(
  stage: Stage,
  propolis: string,
  state: ReportedVmmState,
  generation: number,
  side: Side = {},
): Promise<void> {
  const propolisId = stage.id(propolis);
  const instanceId = stage.id("web");
  await stage.call(reportVmm, { instanceId, propolisId, state, generation, time: new Date(), ...side });
}
