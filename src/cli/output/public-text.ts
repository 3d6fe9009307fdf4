import type { ApiInstanceRow, ApiVmmRow } from "../../client/generated.js";
import { BLANK, HIDDEN, type Line, linesText, lockLines, type Style, timeLines } from "./instance-text.js";
import { wrapped } from "../../terminal/table.js";
import type { PublicInstance } from "../queries/public-instance.js";

const LEFT_OUT =
  "This role may read the public views only. Not shown: deleted VMMs, the generations and sagas of VMMs, and the sides of migrations.";

/** Writes what `vmstate show` prints to a role without rights on tables. */
export function publicText(side: PublicInstance, now: Date, style: Style): string {
  const lines = [
    ...instanceLines(side, now),
    ...side.api.vmms.flatMap((vmm) => [BLANK, ...vmmLines(vmm, side, now)]),
  ];
  return `${linesText(lines, style)}\n\n${wrapped(LEFT_OUT, style.width).split("\n").map(style.colors.dim).join("\n")}`;
}

function instanceLines({ api: { instance }, update }: PublicInstance, now: Date): Line[] {
  return [
    ["instance", instance ? "" : HIDDEN, update.instanceId],
    ...(instance ? nameLines(instance) : []),
    ["  state", instance?.state ?? "", `${update.state}, generation ${update.stateGeneration}`],
    ...(instance ? intentLines(instance) : []),
    ["  active VMM", "", update.activePropolisId ?? "none"],
    ["  destination VMM", "", update.destinationPropolisId ?? "none"],
    ["  migration", "", update.migrationId ?? "none"],
    ...lockLines(update, now),
    ...timeLines(now, { created: instance?.timeCreated ?? null, changed: instance?.timeModified ?? null }),
  ];
}

function nameLines({ projectId, name }: ApiInstanceRow): Line[] {
  return [
    ["  project", "", projectId],
    ["  name", "", name],
  ];
}

function intentLines({ intendedState, autoRestartPolicy }: ApiInstanceRow): Line[] {
  return [
    ["  intent", intendedState, ""],
    ["  auto restart", "", autoRestartPolicy ?? "best_effort"],
  ];
}

function vmmLines(vmm: ApiVmmRow, { update }: PublicInstance, now: Date): Line[] {
  const failure: Line[] = vmm.failureReason ? [["  failure", "", vmm.failureReason]] : [];
  return [
    [`VMM, ${roleOf(vmm, update)}`, "", vmm.id],
    ["  state", vmm.state, ""],
    ...failure,
    ["  sled", "", vmm.sledId],
    ...timeLines(now, { created: vmm.timeCreated, changed: vmm.timeStateUpdated }),
  ];
}

function roleOf(
  { id }: ApiVmmRow,
  { activePropolisId, destinationPropolisId }: PublicInstance["update"],
): string {
  if (id === activePropolisId) return "active";
  return id === destinationPropolisId ? "destination" : "unlinked";
}
