import { reportVmms } from "../../../src/index.js";
import { createSled, next } from "../fleet.js";
import { type Case, runCase } from "./case.js";

/** The reports of VMMs in a case, so that cases of all sizes take about as long. */
const REPORTS = 5_000;

/** Measures how a sled with so many VMMs says that none of them has changed. */
export function sledReports(size: number): Case {
  return async (stage) => {
    const { narrow, sql } = stage;
    const { vmms, report } = await createSled(sql, size);
    return await runCase(stage, {
      id: `sled-${size}`,
      title: `a sled with ${size} VMMs that are as they were`,
      unit: "VMMs",
      base: "reportVmms",
      rounds: Math.min(150, Math.max(15, REPORTS / size)),
      entries: [
        { name: "reportSled", size, call: () => report(narrow.sql) },
        {
          name: "reportVmms",
          size,
          call: async () => {
            const reports = vmms.map((vmm) => next(vmm, "running"));
            const answers = await reportVmms(narrow.sql, reports);
            if (answers.some(({ vmmOutcome }) => vmmOutcome !== "applied"))
              throw new Error("a report was not applied");
          },
        },
      ],
    });
  };
}
