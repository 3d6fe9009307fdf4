import type { ReportedVmmState } from "../../client/generated.js";
import type { Arguments } from "../checked-client.js";
import { judge, type Migration, type Report, type Side, type SideReport, take, type Vmm } from "../model.js";
import type { Scene } from "../step-context.js";

/** What a report says of the two sides that its VMM may have in migrations. */
export interface Parts {
  migrationIn?: { migration: Migration; state: Side["state"] };
  migrationOut?: { migration: Migration; state: Side["state"] };
}

type Delivery = (scene: Scene, news: Report) => Promise<void>;

const deliveries: readonly [Delivery, ...Delivery[]] = [twice, overtaking, inABatch, againLater];

/** The sled has news of a VMM: the report arrives at once, or twice, before an older one, in a batch, and again later. */
export async function report(
  scene: Scene,
  vmm: Vmm,
  state: ReportedVmmState,
  parts: Parts = {},
): Promise<void> {
  const deliver = scene.goesWrong() ? scene.chance.pick(deliveries) : once;
  await deliver(scene, newsOf(scene, vmm, state, parts));
}

/** A report that the sled sent before its VMM died, or was unwound, arrives now. */
export async function reportTooLate(scene: Scene, vmm: Vmm): Promise<void> {
  const state = scene.chance.pick<ReportedVmmState>([
    "starting",
    "running",
    "stopping",
    "destroyed",
    "failed",
  ]);
  const late = newsOf(scene, vmm, state, {});
  await once(scene, scene.chance.happens(0.5) ? late : { ...late, generation: vmm.generation });
  await scene.post.add(late);
}

/** The next report of a VMM; one generation stays free for what was sent before it. */
export function newsOf({ life }: Scene, vmm: Vmm, state: ReportedVmmState, parts: Parts): Report {
  return {
    instanceId: life.instanceId,
    vmm,
    state,
    generation: vmm.generation + 2,
    time: new Date(),
    migrationIn: parts.migrationIn && nextOf(parts.migrationIn, "destinationSide"),
    migrationOut: parts.migrationOut && nextOf(parts.migrationOut, "sourceSide"),
  };
}

/** The report as `report_vmm` takes it. */
export function toArguments({
  instanceId,
  vmm,
  state,
  generation,
  time,
  ...parts
}: Report): Arguments<"reportVmm"> {
  const { migrationIn, migrationOut } = parts;
  return {
    instanceId,
    propolisId: vmm.id,
    state,
    generation,
    time,
    migrationInId: migrationIn?.migration.id,
    migrationInState: migrationIn?.state,
    migrationInGeneration: migrationIn?.generation,
    migrationInTime: migrationIn && time,
    migrationOutId: migrationOut?.migration.id,
    migrationOutState: migrationOut?.state,
    migrationOutGeneration: migrationOut?.generation,
    migrationOutTime: migrationOut && time,
  };
}

async function once({ caller }: Scene, news: Report): Promise<void> {
  await caller.call("reportVmm", toArguments(news), expectedOf(news));
}

async function twice(scene: Scene, news: Report): Promise<void> {
  await once(scene, news);
  await once(scene, news);
}

async function overtaking(scene: Scene, news: Report): Promise<void> {
  await once(scene, news);
  await once(scene, olderThan(news));
}

async function inABatch({ caller }: Scene, news: Report): Promise<void> {
  const reports = [olderThan(news), news, news, olderThan(news)];
  const answers = caller.ask("reportVmms", reports.map(toArguments));
  const expected = reports.map((each, n) => ({
    ordinal: n + 1,
    propolisId: each.vmm.id,
    ...expectedOf(each),
  }));
  caller.requireRows("reportVmms", reports.map(toArguments), await answers, expected);
}

async function againLater(scene: Scene, news: Report): Promise<void> {
  await once(scene, news);
  await scene.post.add(olderThan(news));
  await scene.post.add(news);
}

/** Takes the report in, too. */
function expectedOf(
  news: Report,
): ReturnType<typeof judge> & { state: Vmm["state"]; stateGeneration: number } {
  const verdict = judge(news);
  take(news, verdict);
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
