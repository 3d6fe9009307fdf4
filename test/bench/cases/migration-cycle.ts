import { randomUUID } from "node:crypto";
import type { Report } from "../alternatives/alternative.js";
import { next } from "../fleet.js";
import { type Case, fleetOf, runCase, type Stage } from "./case.js";
import { applied, checkDeleted, type Liver, timekeepers, withVerbs } from "./lives.js";

const MIGRATION_VERBS = 7;

/** A live migration to another VMM, which then is the only one. */
export const migrationCycle: Case = async (stage) => {
  const keepers = timekeepers(stage);
  const entries = keepers.map((alternative) => ({
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
  return withVerbs(raced, MIGRATION_VERBS, keepers);
};

async function migrate(stage: Stage, alternative: Liver): Promise<void> {
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
