import type { ApiVmmRow } from "../generated.js";
import { BLANK, HIDDEN, type Line, linesText, timeLines } from "./instance-text.js";
import type { Colors } from "./io.js";
import type { PublicSide } from "./public-instance.js";

const LEFT_OUT = `This role may read the public views only. Not shown: deleted VMMs, their
generations, sagas, who holds the update lock, and the sides of migrations.`;

/** What `vmstate show` prints to a role without rights on tables: 80 columns wide. */
export function publicText(side: PublicSide, now: Date, colors: Colors): string {
  const lines = [
    ...instanceLines(side, now),
    ...side.api.vmms.flatMap((vmm) => [BLANK, ...vmmLines(vmm, side, now)]),
  ];
  return `${linesText(lines, colors)}\n\n${colors.dim(LEFT_OUT)}`;
}

function instanceLines({ api: { instance }, update }: PublicSide, now: Date): Line[] {
  const shown: Line[] = instance
    ? [
        ["  project", instance.projectId],
        ["  name", instance.name],
        ["  auto restart", instance.autoRestartPolicy ?? "best_effort"],
      ].map(([label = "", row = ""]) => [label, "", row])
    : [];
  return [
    ["instance", instance ? "" : HIDDEN, update.instanceId],
    ["  state", instance?.state ?? "", `${update.state}, generation ${update.stateGeneration}`],
    ...(instance ? [["  intent", instance.intendedState, ""] satisfies Line] : []),
    ...shown,
    ["  active VMM", "", update.activePropolisId ?? "none"],
    ["  destination VMM", "", update.destinationPropolisId ?? "none"],
    ["  migration", "", update.migrationId ?? "none"],
    [
      "  update lock",
      "",
      update.updaterLeaseUntil ? `until ${update.updaterLeaseUntil.toISOString()}` : "none",
    ],
    ["  lock generation", "", String(update.updaterGeneration)],
    ...timeLines(now, { created: instance?.timeCreated ?? null, changed: instance?.timeModified ?? null }),
  ];
}

function vmmLines(vmm: ApiVmmRow, { update }: PublicSide, now: Date): Line[] {
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
  { activePropolisId, destinationPropolisId }: PublicSide["update"],
): string {
  if (id === activePropolisId) return "active";
  return id === destinationPropolisId ? "destination" : "unlinked";
}
