import type { ReportedVmmState } from "../../client/generated.js";
import {
  expectedVerdict,
  type Migration,
  type Report,
  type Side,
  type SideReport,
  applyReport,
  type Vmm,
} from "../model.js";
import type { StepContext } from "../step-context.js";
import { toArguments } from "../late-reports.js";

/** What a report says of the two sides that its VMM may have in migrations. */
export interface Parts {
  migrationIn?: { migration: Migration; state: Side["state"] };
  migrationOut?: { migration: Migration; state: Side["state"] };
}

type Delivery = (context: StepContext, news: Report) => Promise<void>;

const deliveries: readonly [Delivery, ...Delivery[]] = [twice, overtaking, inABatch, againLater];

/**
 * Reports a state of a VMM.
 *
 * With an injected fault the report arrives twice, before an older one, in a batch, or again later.
 */
export async function report(
  context: StepContext,
  vmm: Vmm,
  state: ReportedVmmState,
  parts: Parts = {},
): Promise<void> {
  const deliver = context.injectFault() ? context.random.pick(deliveries) : once;
  await deliver(context, newsOf(context, vmm, state, parts));
}

/** Reports what the sled sent before its VMM died or was unwound. */
export async function reportTooLate(context: StepContext, vmm: Vmm): Promise<void> {
  const state = context.random.pick<ReportedVmmState>([
    "starting",
    "running",
    "stopping",
    "destroyed",
    "failed",
  ]);
  const late = newsOf(context, vmm, state, {});
  await once(context, context.random.happens(0.5) ? late : { ...late, generation: vmm.generation });
  await context.lateReports.add(late);
}

/** Makes the next report of a VMM; leaves a generation free for an older report. */
export function newsOf({ lifetime }: StepContext, vmm: Vmm, state: ReportedVmmState, parts: Parts): Report {
  return {
    instanceId: lifetime.instanceId,
    vmm,
    state,
    generation: vmm.generation + 2,
    time: new Date(),
    migrationIn: parts.migrationIn && nextOf(parts.migrationIn, "destinationSide"),
    migrationOut: parts.migrationOut && nextOf(parts.migrationOut, "sourceSide"),
  };
}

async function once({ client }: StepContext, news: Report): Promise<void> {
  await client.call("reportVmm", toArguments(news), expectedOf(news));
}

async function twice(context: StepContext, news: Report): Promise<void> {
  await once(context, news);
  await once(context, news);
}

async function overtaking(context: StepContext, news: Report): Promise<void> {
  await once(context, news);
  await once(context, olderThan(news));
}

async function inABatch({ client }: StepContext, news: Report): Promise<void> {
  const reports = [olderThan(news), news, news, olderThan(news)];
  const answers = client.ask("reportVmms", reports.map(toArguments));
  const expected = reports.map((each, n) => ({
    ordinal: n + 1,
    propolisId: each.vmm.id,
    ...expectedOf(each),
  }));
  client.requireRows("reportVmms", reports.map(toArguments), await answers, expected);
}

async function againLater(context: StepContext, news: Report): Promise<void> {
  await once(context, news);
  await context.lateReports.add(olderThan(news));
  await context.lateReports.add(news);
}

/** Applies the report to the model, too. */
function expectedOf(
  news: Report,
): ReturnType<typeof expectedVerdict> & { state: Vmm["state"]; stateGeneration: number } {
  const verdict = expectedVerdict(news);
  applyReport(news, verdict);
  return { ...verdict, state: news.vmm.state, stateGeneration: news.vmm.generation };
}

function olderThan(news: Report): Report {
  const older = (side: SideReport | undefined): SideReport | undefined =>
    side && { ...side, state: "in_progress", generation: side.generation - 1 };
  return {
    ...news,
    state: "starting",
    generation: news.generation - 1,
    migrationIn: older(news.migrationIn),
    migrationOut: older(news.migrationOut),
  };
}

function nextOf(
  { migration, state }: { migration: Migration; state: Side["state"] },
  side: "sourceSide" | "destinationSide",
): SideReport {
  return { migration, state, generation: migration[side].generation + 2 };
}
