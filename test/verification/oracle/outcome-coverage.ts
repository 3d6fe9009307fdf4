import type { Call, VerbArguments } from "./calls.js";
import * as instances from "./model/instance.js";
import * as vmms from "./model/vmm.js";
import * as sagas from "./model/sagas.js";
import * as updateSaga from "./model/update-saga.js";
import * as settlements from "./model/settle.js";
import * as sleds from "./model/sled.js";
import * as sledAgent from "./model/sled-agent.js";
import * as purges from "./model/purge.js";
import type { Answer } from "./model/step.js";

/** Every outcome and reason that a verb may answer; none is asked of an event. */
const DOCUMENTED: Record<keyof VerbArguments, readonly string[]> = {
  ...instances.ANSWERS,
  ...vmms.ANSWERS,
  ...sagas.ANSWERS,
  ...updateSaga.ANSWERS,
  ...sledAgent.ANSWERS,
  ...sleds.ANSWERS,
  ...purges.ANSWERS,
  ...settlements.ANSWERS,
};

/** How often each verb gave each of its answers. */
export class OutcomeCoverage {
  readonly counts = new Map<string, number>(
    Object.entries(DOCUMENTED).flatMap(([verb, kinds]) => kinds.map((kind) => [`${verb} ${kind}`, 0])),
  );
  calls = 0;

  count(call: Call, answer: Answer): void {
    this.calls++;
    for (const kind of kindsOf(call, answer)) {
      const name = `${call.verb} ${kind}`;
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    }
  }

  /** What was answered at least once. */
  get reached(): string[] {
    return [...this.counts].filter(([, count]) => count > 0).map(([name]) => name);
  }

  /** What no call was answered. */
  get missing(): string[] {
    return [...this.counts].filter(([, count]) => count === 0).map(([name]) => name);
  }
}

function kindsOf({ verb }: Call, answer: Answer): string[] {
  const rows = (answer["rows"] ?? [answer]) as Answer[];
  const { code, argument } = answer;
  if (typeof argument === "string") return [`${String(code)} ${argument}`];
  if (verb === "purge") return kindsOfPurge(answer);
  if (verb.startsWith("fail_sled") && rows.length === 0) return ["nothing"];
  return rows.flatMap((row) => ("vmmOutcome" in row ? kindsOfReport(row) : kindsOfVerb(row)));
}

function kindsOfPurge(answer: Answer): string[] {
  const purged = ["migrations", "vmms", "instances"].filter((table) => Number(answer[table]) > 0);
  return purged.length > 0 ? purged : ["nothing"];
}

function kindsOfVerb({ outcome, reason }: Answer): string[] {
  if (typeof outcome !== "string") return [];
  return [typeof reason === "string" ? `${outcome} ${reason}` : outcome];
}

function kindsOfReport(row: Answer): string[] {
  const { vmmOutcome, migrationInOutcome, migrationOutOutcome, updateNeeded } = row;
  return [
    `vmm ${String(vmmOutcome)}`,
    ...(typeof migrationInOutcome === "string" ? [`in ${migrationInOutcome}`] : []),
    ...(typeof migrationOutOutcome === "string" ? [`out ${migrationOutOutcome}`] : []),
    ...(updateNeeded === true ? ["update needed"] : []),
    ...(["update", "delete"] as const).flatMap((part) => kindsOfPart(row, part)),
  ];
}

/** The update or the deletion of `settle`, if it was done. */
function kindsOfPart(row: Answer, part: "update" | "delete"): string[] {
  const kinds = kindsOfVerb({ outcome: row[`${part}Outcome`], reason: row[`${part}Reason`] });
  return kinds.map((kind) => `${part} ${kind}`);
}
