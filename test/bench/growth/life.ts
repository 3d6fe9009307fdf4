import {
  explainUpdate,
  failSled,
  failSledVmms,
  reportSled,
  reportVmms,
  sledDigest,
  type SledVmm,
  vmstate,
} from "../../../src/index.js";
import { asJson, calledVerb } from "../../support/called-verb.js";
import { applied, type Call, callsOf, Lifecycle, next, type Report } from "../../support/lifecycle.js";
import type { Sled } from "./population.js";
import type { Site } from "./site.js";

const BATCH = 100;
/** A generation above that of every VMM of the population. */
const LATE = 2_000_000;

/** Calls every verb, on an instance that was loaded as running and that no call has changed since: it moves, stops, starts, ends. */
export async function live(site: Site): Promise<void> {
  const { population, random } = site;
  const call = applied(observed(site));
  const vmm = population.take(random);
  const life = new Lifecycle(call, vmm.instanceId);
  await life.report(vmm, "running", "no news");
  await life.report(vmm, "running", "no news, again");
  await life.report(vmm, "rebooting", "another state");
  const batch = (): Report[] => population.pick(BATCH, random).map((one) => next(one, "running"));
  await call("reportVmms", batch(), `${BATCH} VMMs`);
  await call("reportVmms", batch().map(asJson), `${BATCH} VMMs`);
  await life.plainly();
  await life.stop(await life.move(vmm));
  await life.restart();
  await life.failToStart();
  await life.delete();
  await new Lifecycle(call, undefined, population.project(random)).create();
}

/** Calls what is observed. Of a call that is explained no answer is known; that it did its work shows in the calls after it. */
function observed({ caller }: Site): Call {
  return async (verb, argument, what) => {
    const name = [calledVerb(verb, argument), ...(what === undefined ? [] : [what])].join(", ");
    const answer = await caller.call(name, (sql) => callsOf(vmstate(sql))(verb, argument));
    return answer ?? ((await unseen(caller.sql, argument)) as never);
  };
}

/** Reads what a call that is only explained would have answered: the columns that the holder of the updater lock needs. */
async function unseen(sql: Site["caller"]["sql"], argument: unknown): Promise<unknown> {
  const { instanceId } = argument as { instanceId?: string };
  return instanceId === undefined
    ? []
    : { ...(await explainUpdate(sql, { instanceId })), outcome: "applied" };
}

/**
 * Ends about 30 VMMs of one sled by `fail_sled`, and about 30 of another sled by `fail_sled_vmms`.
 *
 * The first sled has reported by `report_sled` that it has its VMMs.
 */
export async function loseSleds(site: Site): Promise<void> {
  const { caller } = site;
  const lost = await takeSled(site);
  // Some VMMs of the sled were taken before and have ended.
  const living = await caller.sql<SledVmm[]>`
    select propolis_id as "propolisId", state from vmstate.watched_vmm where sled_id = ${lost.sledId}`;
  const digest = { sledId: lost.sledId, ...(await sledDigest(living)) };
  const heard = await caller.call("report_sled, about 30 VMMs", (sql) => reportSled(sql, digest));
  if (heard?.reason === "differs") throw new Error("the sled has other VMMs than the database");
  const sled = { sledId: lost.sledId, reason: "sled_expunged" } as const;
  requireSome(await caller.call("fail_sled, about 30 VMMs", (sql) => failSled(sql, sled)));

  const { sledId, vmms } = await takeSled(site);
  const propolisIds = vmms.map(({ propolisId }) => propolisId);
  const listed = { sledId, propolisIds, reason: "no_such_vmm" } as const;
  requireSome(await caller.call("fail_sled_vmms, about 30 VMMs", (sql) => failSledVmms(sql, listed)));
}

async function takeSled({ caller, population, random }: Site): Promise<Sled> {
  const sled = population.takeSled(random);
  await reportVmms(
    caller.sql,
    sled.vmms.map((vmm) => ({ ...next(vmm, "running"), generation: LATE })),
  );
  return sled;
}

function requireSome(failed: unknown[] | undefined): void {
  if (failed?.length === 0) throw new Error("there was no VMM on the sled");
}
