import { snakeCase } from "../../../support/verbs.js";
import type { Call, EventRules, Verb, VerbRules } from "../calls.js";
import * as instances from "./instance.js";
import { misused } from "./misuse.js";
import * as purges from "./purge.js";
import { BOOT_LOOP } from "./restart.js";
import * as sagas from "./sagas.js";
import * as settlements from "./settle.js";
import * as sleds from "./sled.js";
import * as sledAgent from "./sled-agent.js";
import type { Step } from "./step.js";
import * as updateSaga from "./update-saga.js";
import * as vmms from "./vmm.js";
import {
  HOUR,
  type InstanceRow,
  migrationsOf,
  type Time,
  vmmOf,
  vmmsOf,
  type World,
  write,
} from "./world.js";

/** By the name of the wrapper. */
const VERB_RULES: VerbRules<Step> = {
  ...instances,
  ...vmms,
  ...sagas,
  ...updateSaga,
  ...sledAgent,
  ...sleds,
  ...purges,
  ...settlements,
};

const EVENT_RULES: EventRules<Step> = {
  lease_expires: (world, { instanceId }) => anHourAgo(world, instanceId, "updaterLeaseUntil"),
  cooldown_elapses: (world, { instanceId }) => anHourAgo(world, instanceId, "timeLastAutoRestarted"),
  guest_runs_for_long: guestRunsForLong,
  boots_in_a_loop: bootsInALoop,
  a_day_goes_by: aDayGoesBy,
};

type Rule = (world: World, a: never) => Step;

const RULES = new Map<string, Rule>([
  ...Object.entries<unknown>(VERB_RULES).flatMap(([name, rule]): [string, Rule][] =>
    typeof rule === "function" ? [[snakeCase(name), rule as Rule]] : [],
  ),
  ...Object.entries<Rule>(EVENT_RULES),
]);

/** Returns what a call must make of the world, and its answer. */
export function step<V extends Verb>(world: World, { verb, a }: Call<V>): Step {
  const argument = misused({ verb, a } as Call);
  if (argument !== undefined) return { world, answer: { code: "VM001", argument } };
  const rule = RULES.get(verb);
  if (rule === undefined) throw new Error(`the model has no ${verb}`);
  return rule(world, a as never);
}

function anHourAgo(
  world: World,
  instanceId: string,
  column: "updaterLeaseUntil" | "timeLastAutoRestarted",
): Step {
  const instance: InstanceRow | undefined = world.instances[instanceId];
  if (typeof instance?.[column] !== "number") return { world, answer: { changed: 0 } };
  const earlier = { ...instance, [column]: world.now - HOUR };
  return { world: write(world, { instance: earlier }), answer: { changed: 1 } };
}

function guestRunsForLong(
  world: World,
  { instanceId, propolisId }: { instanceId: string; propolisId: string },
): Step {
  const vmm = vmmOf(world, instanceId, propolisId);
  if (typeof vmm?.timeStarted !== "number") return { world, answer: { changed: 0 } };
  const earlier = { ...vmm, timeStarted: world.now - HOUR };
  return { world: write(world, { vmms: [earlier] }), answer: { changed: 1 } };
}

function bootsInALoop(world: World, { instanceId }: { instanceId: string }): Step {
  const instance: InstanceRow | undefined = world.instances[instanceId];
  if (!instance) return { world, answer: { changed: 0 } };
  const looping = { ...instance, autoRestartAttempts: BOOT_LOOP };
  return { world: write(world, { instance: looping }), answer: { changed: 1 } };
}

/** Sets the deletion of the instance and of its VMMs and migrations back by a day, where they are deleted. */
function aDayGoesBy(world: World, { instanceId }: { instanceId: string }): Step {
  const dayAgo = <R extends { timeDeleted: Time | null }>(rows: R[]): R[] =>
    rows
      .filter(({ timeDeleted }) => timeDeleted !== null)
      .map((row) => ({ ...row, timeDeleted: world.now - 24 * HOUR }));
  const vmms = dayAgo(vmmsOf(world, instanceId));
  const migrations = dayAgo(migrationsOf(world, instanceId));
  const [instance] = dayAgo([world.instances[instanceId]].filter((row) => row !== undefined));
  const changed = vmms.length + migrations.length + (instance ? 1 : 0);
  const after = write(world, { vmms, migrations, ...(instance && { instance }) });
  return changed === 0 ? { world, answer: { changed } } : { world: after, answer: { changed } };
}
