import type postgres from "postgres";
import {
  apiInstances,
  beginMigration,
  beginStart,
  beginUpdate,
  commitUpdate,
  deleteVmm,
  reportVmm,
  type ReportVmmArguments,
  reportVmms,
  requestStop,
  runUpdate,
  settle,
  unwindStart,
} from "../../../src/index.js";
import { type Alternative, IP, type Lifecycle, type Report } from "./alternative.js";
import { found } from "./store.js";

const LEASE = "1 minute";

/** The package, by its wrappers. */
export function vmstateAlternative(sql: postgres.ISql): Alternative {
  return {
    name: "vmstate",
    schema: "vmstate",
    report: async (report) => {
      const { vmmOutcome, stateGeneration } = await reportVmm(sql, argumentsOf(report));
      return { applied: vmmOutcome === "applied", generation: found(stateGeneration) };
    },
    reports: async (reports) => {
      const answers = await reportVmms(sql, reports.map(argumentsOf));
      return answers.filter(({ vmmOutcome }) => vmmOutcome === "applied").length;
    },
    lifecycle: { ...lifecycleOf(sql), settle: (report, sagaId) => settleVmm(sql, report, sagaId) },
    listProject: async (projectId) => {
      const rows = await apiInstances(sql, { projectId });
      return rows.map(({ id, state }) => ({ id, state }));
    },
  };
}

/** The same, but the update saga takes its lock, plans, and commits, as one with work to do in between has to. */
export function vmstateSagaAlternative(sql: postgres.ISql): Alternative {
  const { schema, report } = vmstateAlternative(sql);
  const update = async (instanceId: string): Promise<void> => {
    const sagaId = crypto.randomUUID();
    const plan = applied(await beginUpdate(sql, { instanceId, sagaId, lease: LEASE }));
    const { updaterGeneration, planToken } = plan;
    applied(await commitUpdate(sql, { instanceId, sagaId, updaterGeneration, planToken }));
  };
  return { name: "vmstate, updater lock", schema, report, lifecycle: { ...lifecycleOf(sql), update } };
}

/** The function alone: what the wrapper adds is the rest. */
export function vmstateFunctionAlternative(sql: postgres.ISql): Alternative {
  return {
    name: "select report_vmm(…)",
    schema: "vmstate",
    report: async ({ instanceId, propolisId, state, generation, time }) => {
      const [row] = await sql<{ outcome: string; generation: number }[]>`
        select vmm_outcome as outcome, state_generation::float8 as generation
        from vmstate.report_vmm(${instanceId}, ${propolisId}, ${state}, ${generation}, ${time})`;
      const { outcome, generation: stored } = found(row);
      return { applied: outcome === "applied", generation: stored };
    },
  };
}

function lifecycleOf(sql: postgres.ISql): Lifecycle {
  return {
    start: async (a) => void applied(await beginStart(sql, { ...a, propolisIp: IP })),
    unwindStart: async (a) => void applied(await unwindStart(sql, a)),
    stop: async (instanceId) => void applied(await requestStop(sql, { instanceId })),
    update: async (instanceId) =>
      void applied(await runUpdate(sql, { instanceId, sagaId: crypto.randomUUID() })),
    deleteVmm: async (key) => void applied(await deleteVmm(sql, key)),
    beginMigration: async (a) => void applied(await beginMigration(sql, { ...a, propolisIp: IP })),
  };
}

async function settleVmm(sql: postgres.ISql, report: Report, sagaId: string): Promise<void> {
  const { instanceId, propolisId, state, generation, time } = report;
  const answer = await settle(sql, { instanceId, propolisId, sagaId, state, generation, time });
  if (answer.deleteOutcome !== "applied") throw new Error("a VMM was not settled");
}

function argumentsOf({ side, ...report }: Report): ReportVmmArguments {
  if (side === undefined) return report;
  const { migrationId, state, generation } = side;
  return side.direction === "in"
    ? {
        ...report,
        migrationInId: migrationId,
        migrationInState: state,
        migrationInGeneration: generation,
        migrationInTime: report.time,
      }
    : {
        ...report,
        migrationOutId: migrationId,
        migrationOutState: state,
        migrationOutGeneration: generation,
        migrationOutTime: report.time,
      };
}

function applied<A extends { outcome: string; reason: string | null }>(
  answer: A,
): Extract<A, { outcome: "applied" | "unchanged" }> {
  if (answer.outcome !== "applied") throw new Error(`${answer.outcome} ${answer.reason ?? ""}`);
  return answer as Extract<A, { outcome: "applied" | "unchanged" }>;
}
