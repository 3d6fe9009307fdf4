import { randomUUID } from "node:crypto";
import type { Report } from "../alternatives/alternative.js";
import { next } from "../fleet.js";
import { type Case, fleetOf, runCase, type Stage } from "./case.js";
import {
  applied,
  checkDeleted,
  type LifecycleAlternative,
  timedAlternatives,
  withVerbTimes,
} from "./lives.js";

const MIGRATION_VERBS = 7;

/** Measures a live migration to another VMM, up to the deletion of the source. */
export const migrationCycle: Case = async (stage) => {
  const alternatives = timedAlternatives(stage);
  const entries = alternatives.map((alternative) => ({
    name: alternative.name,
    size: 1,
    call: () => migrate(stage, alternative),
  }));
  const raced = await runCase(stage, {
    id: "migration-cycle",
    title: `A migration: begin, 3 reports with its sides, update, the last report, delete (${MIGRATION_VERBS} verbs)`,
    unit: "migrations",
    base: "found/updated CTE",
    rounds: 150,
    entries,
    check: (calls) =>
      checkDeleted(
        stage,
        stage.fleets.vmstate.movers.map(({ instanceId }) => instanceId),
        "destroyed",
        calls,
      ),
  });
  return withVerbTimes(raced, MIGRATION_VERBS, alternatives);
};

async function migrate(stage: Stage, alternative: LifecycleAlternative): Promise<void> {
  const { lifecycle, report } = alternative;
  const { movers } = fleetOf(stage, alternative);
  const source = movers[stage.random.below(movers.length)];
  if (source === undefined) throw new Error("there is nothing to migrate");
  const { instanceId } = source;
  const destination = { instanceId, propolisId: randomUUID(), generation: 1, state: "running" as const };
  const migrationId = randomUUID();
  const side = (direction: "in" | "out", state: "in_progress" | "completed"): Pick<Report, "side"> => ({
    side: { direction, migrationId, state, generation: state === "completed" ? 3 : 2 },
  });
  await lifecycle.beginMigration({
    instanceId,
    migrationId,
    sagaId: randomUUID(),
    sledId: randomUUID(),
    sourcePropolisId: source.propolisId,
    destinationPropolisId: destination.propolisId,
  });
  await applied(report({ ...next(destination, "migrating"), ...side("in", "in_progress") }));
  await applied(report({ ...next(source, "migrating"), ...side("out", "in_progress") }));
  await applied(report({ ...next(destination, "running"), ...side("in", "completed") }));
  await lifecycle.update(instanceId);
  await applied(report({ ...next(source, "destroyed"), ...side("out", "completed") }));
  await lifecycle.deleteVmm(source);
  Object.assign(source, destination);
}
