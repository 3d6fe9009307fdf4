import type { Alternative, Report } from "../alternatives/alternative.js";
import type { Fleet } from "../fleet.js";
import { type Case, checkFleets, fleetOf, runCase, type Stage } from "./case.js";

/** Measures reports that change nothing but the generation, as almost all reports do. */
export const healthReports: Case = (stage) =>
  reports(stage, "health-report", "A report that changes nothing but the generation", (fleet) =>
    fleet.health(),
  );

export const transitions: Case = (stage) =>
  reports(stage, "transition", "A report of another state", (fleet) => fleet.transition());

function reports(stage: Stage, id: string, title: string, next: (fleet: Fleet) => Report): ReturnType<Case> {
  return runCase(stage, {
    id,
    title,
    unit: "reports",
    base: "bare statement",
    rounds: 500,
    entries: reportAlternatives(stage).map((alternative) => ({
      name: alternative.name,
      size: 1,
      call: () => alternative.report(next(fleetOf(stage, alternative))),
    })),
    check: () => checkFleets(stage),
  });
}

/** Lists the alternatives to report through: vmstate once, as the updater lock has no part in a report. */
export function reportAlternatives({ narrow }: Pick<Stage, "narrow">): Alternative[] {
  return narrow.all.filter(({ name }) => name !== "vmstate, updater lock");
}
