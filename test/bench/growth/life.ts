import { explainUpdate, failSled, failSledVmms, reportVmms, vmstate } from "../../../src/index.js";
import { applied, type Call, callsOf, Lifecycle, next } from "../../support/lifecycle.js";
import { snakeCase } from "../../support/verbs.js";
import type { Sled } from "./population.js";
import type { Site } from "./site.js";

const BATCH = 100;
/** Higher than what was reported of any VMM of the population. */
const LATE = 2_000_000;

/** Every verb, on an instance that was loaded as running and that no call has changed since: it moves, stops, starts, ends. */
export async function live(site: Site): Promise<void> {
  const { population, random } = site;
  const call = applied(observed(site));
  const vmm = population.take(random);
  const life = new Lifecycle(call, vmm.instanceId);
  await life.report(vmm, "running", "no news");
  await life.report(vmm, "running", "no news, again");
  await life.report(vmm, "rebooting", "another state");
  const reports = population.pick(BATCH, random).map((one) => next(one, "running"));
  await call("reportVmms", reports, `${BATCH} VMMs`);
  await life.plainly();
  await life.stop(await life.move(vmm));
  await life.failToStart();
  await life.delete();
  await new Lifecycle(call, undefined, population.project(random)).create();
}

/** Calls what is observed. Of a call that is explained no answer is known; that it did its work shows in the calls after it. */
function observed({ caller }: Site): Call {
  return async (verb, argument, what) => {
    const name = [snakeCase(verb), ...(what === undefined ? [] : [what])].join(", ");
    const answer = await caller.call(name, (sql) => callsOf(vmstate(sql))(verb, argument));
    return answer ?? ((await unseen(caller.sql, argument)) as never);
  };
}

/** Reads of the row what the holder of a lock has to know. */
async function unseen(sql: Site["caller"]["sql"], argument: unknown): Promise<unknown> {
  const { instanceId } = argument as { instanceId?: string };
  return instanceId === undefined
    ? []
    : { ...(await explainUpdate(sql, { instanceId })), outcome: "applied" };
}

/** The end of about 30 VMMs of a sled, each of which reported a moment ago; and of as many that another sled lost. */
export async function loseSleds(site: Site): Promise<void> {
  const { caller } = site;
  const lost = await takeSled(site);
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
