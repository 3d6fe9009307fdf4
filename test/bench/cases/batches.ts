import { type Case, checkFleets, fleetOf, runCase } from "./case.js";

const ROUNDS = 5_000;

/** So many VMMs in one transaction. */
export function batches(size: number): Case {
  return (stage) => {
    const { narrow, fleets } = stage;
    const single = narrow.all.find(({ name }) => name === "vmstate");
    return runCase(stage, {
      id: `batch-${size}`,
      title: `${size} reports in one transaction`,
      unit: "reports",
      base: "bare statement",
      rounds: Math.min(150, Math.max(15, ROUNDS / size)),
      entries: [
        ...narrow.all.flatMap((contestant) => {
          const { name, reports } = contestant;
          if (reports === undefined) return [];
          return [{ name, size, call: () => reports(fleetOf(stage, contestant).batch(size)) }];
        }),
        ...(single === undefined
          ? []
          : [
              {
                name: "vmstate, one by one",
                size: 1,
                call: () => single.report(fleets.vmstate.health()),
              },
            ]),
      ],
      check: () => checkFleets(stage),
    });
  };
}
