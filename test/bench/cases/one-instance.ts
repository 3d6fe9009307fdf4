import type { Alternative } from "../alternatives/alternative.js";
import { type Case, checkFleets, fleetOf, runCase, type Stage } from "./case.js";
import { writersAmong } from "./writers.js";

/** How often each writer raises the generation in a round. */
const RAISES = 3;

/** What became of the reports of one alternative's writers. */
class Race {
  attempts = 0;
  acknowledged = 0;
  /** How many writes the row shows. */
  stored = 0;

  get counts(): Record<string, number> {
    const { attempts, acknowledged, stored } = this;
    return { attempts, acknowledged, stored, lost: acknowledged - stored };
  }
}

/** Measures writers that all raise the generation of the same VMM by one, again and again. */
export const oneInstance: Case = async (stage) => {
  const { writers } = stage;
  const races = new Map<string, Race>();
  const entries = writersAmong(stage).map((alternative) => {
    const race = new Race();
    races.set(alternative.name, race);
    return {
      name: alternative.name,
      size: writers * RAISES,
      call: () => contend(stage, alternative, race),
    };
  });
  const raced = await runCase(stage, {
    id: "one-instance",
    title: `${writers} writers on the VMM of one instance`,
    unit: "reports",
    base: "bare statement",
    rounds: 8,
    connections: writers,
    entries,
    check: () => checkFleets(stage),
  });
  for (const [name, { counts }] of races) raced.counts.set(name, counts);
  return raced;
};

/** A report that was acknowledged and did not raise the row's generation overwrote another one, or was overwritten. */
async function contend(stage: Stage, alternative: Alternative, race: Race): Promise<void> {
  const member = fleetOf(stage, alternative).pick();
  const { instanceId, propolisId, generation: first } = member;
  const write = async (): Promise<void> => {
    let known = first;
    for (let raises = 0; raises < RAISES;) {
      race.attempts++;
      const report = {
        instanceId,
        propolisId,
        state: "running",
        generation: known + 1,
        time: new Date(),
      } as const;
      const { applied, generation } = await alternative.report(report);
      known = generation;
      if (applied) raises++;
    }
  };
  await Promise.all(Array.from({ length: stage.writers }, write));
  const [row] = await stage.sql<[{ generation: number }]>`
    select state_generation::float8 as generation from ${stage.sql(alternative.schema)}.vmm where id = ${propolisId}`;
  member.generation = row.generation;
  member.state = "running";
  if (row.generation === first) throw new Error(`${alternative.name}: no report was stored`);
  race.acknowledged += stage.writers * RAISES;
  race.stored += row.generation - first;
}
