import { age } from "../../terminal/age.js";
import type { InstanceWithRows, InstanceRow, MigrationRow, VmmRow } from "../queries/instance-rows.js";
import type { Io } from "../../terminal/io.js";
import { type Cell, table } from "../../terminal/table.js";

/** A label, the value that the API shows, and the value of the row. */
export type Line = [label: string, api: string, row: string];

export const HIDDEN = "hidden";
export const BLANK: Line = [" ", "", ""];

/** Writes what `vmstate show` prints. */
export function instanceText(sides: InstanceWithRows, now: Date, style: Style): string {
  const { instance, vmms, migrations } = sides.rows;
  const lines = [
    ...instanceLines(sides, now),
    ...vmms.flatMap((vmm) => [BLANK, ...vmmLines(vmm, sides, now)]),
    ...migrations.flatMap((migration) => [BLANK, ...migrationLines(migration, instance, now)]),
  ];
  return linesText(lines, style);
}

/** How wide the text may be, and its colours. */
export type Style = Pick<Io, "colors" | "width">;

export function linesText(lines: readonly Line[], { colors, width }: Style): string {
  return table(
    lines.map((line) => toCells(line, colors)),
    { head: ["", "API shows", "row"].map((text) => ({ text, paint: colors.bold })), width },
  );
}

function toCells([label, api, row]: Line, { bold, dim, cyan }: Style["colors"]): Cell[] {
  const shown = { text: api, paint: api === HIDDEN ? dim : cyan };
  const isHeading = !label.startsWith(" ");
  return isHeading ? [{ text: label, paint: bold }, shown, { text: row, paint: bold }] : [label, shown, row];
}

function instanceLines({ api, rows: { instance } }: InstanceWithRows, now: Date): Line[] {
  return [
    ["instance", api.instance ? "" : HIDDEN, instance.id],
    ["  project", "", instance.projectId],
    ["  name", "", instance.name],
    ["  state", api.instance?.state ?? "", `${instance.state}, generation ${instance.stateGeneration}`],
    ["  intent", api.instance?.intendedState ?? "", instance.intendedState],
    ["  auto restart", "", restartText(instance, now)],
    ["  active VMM", "", instance.activePropolisId ?? "none"],
    ["  destination VMM", "", instance.destinationPropolisId ?? "none"],
    ["  migration", "", instance.migrationId ?? "none"],
    ...lockLines(instance, now),
    ...timeLines(now, {
      created: instance.timeCreated,
      changed: instance.timeModified,
      deleted: instance.timeDeleted,
    }),
  ];
}

/** The columns of the updater lock that both the row of an instance and the answer of `explain_update` have. */
interface Lock {
  updaterId: string | null;
  updaterGeneration: number;
  updaterLeaseUntil: Date | null;
}

export function lockLines({ updaterId, updaterGeneration, updaterLeaseUntil }: Lock, now: Date): Line[] {
  const lease: Line[] = updaterLeaseUntil ? [["  lock lease", "", leaseText(updaterLeaseUntil, now)]] : [];
  return [
    ["  updater lock", "", updaterId ?? "none"],
    ["  lock generation", "", String(updaterGeneration)],
    ...lease,
  ];
}

function leaseText(until: Date, now: Date): string {
  return `${until <= now ? "expired" : "until"} ${until.toISOString()}`;
}

function restartText(instance: InstanceRow, now: Date): string {
  const { autoRestartPolicy, autoRestartAttempts, timeLastAutoRestarted } = instance;
  const policy = autoRestartPolicy ?? "best_effort";
  if (!timeLastAutoRestarted) return policy;
  return `${policy}, last ${ago(timeLastAutoRestarted, now)}, ${autoRestartAttempts} in a row`;
}

function vmmLines(vmm: VmmRow, { api, rows: { instance } }: InstanceWithRows, now: Date): Line[] {
  const shown = api.vmms.find(({ id }) => id === vmm.id);
  const failure: Line[] = vmm.failureReason ? [["  failure", "", vmm.failureReason]] : [];
  return [
    [`VMM, ${roleOf(vmm, instance)}`, shown ? "" : HIDDEN, vmm.id],
    ["  state", shown?.state ?? "", `${vmm.state}, generation ${vmm.stateGeneration}`],
    ...failure,
    ["  sled", "", vmm.sledId],
    ["  saga", "", vmm.sagaId],
    ...timeLines(now, {
      created: vmm.timeCreated,
      running: vmm.timeStarted,
      changed: vmm.timeStateUpdated,
      reported: vmm.timeReported,
      unlinked: vmm.timeUnlinked,
      deleted: vmm.timeDeleted,
    }),
  ];
}

function roleOf({ id, timeDeleted }: VmmRow, instance: InstanceRow): string {
  if (timeDeleted) return "deleted";
  if (id === instance.activePropolisId) return "active";
  return id === instance.destinationPropolisId ? "destination" : "unlinked";
}

function migrationLines(migration: MigrationRow, instance: InstanceRow, now: Date): Line[] {
  const { sourceState, sourceGeneration, destinationState, destinationGeneration } = migration;
  return [
    [`migration, ${statusOf(migration, instance)}`, "", migration.id],
    ["  source VMM", "", migration.sourcePropolisId],
    ["  source side", "", `${sourceState}, generation ${sourceGeneration}`],
    ["  destination VMM", "", migration.destinationPropolisId],
    ["  destination side", "", `${destinationState}, generation ${destinationGeneration}`],
    ["  saga", "", migration.sagaId],
    ...timeLines(now, { created: migration.timeCreated, deleted: migration.timeDeleted }),
  ];
}

function statusOf({ id, timeDeleted }: MigrationRow, { migrationId }: InstanceRow): string {
  if (timeDeleted) return "deleted";
  return id === migrationId ? "linked" : "unlinked";
}

export function timeLines(now: Date, times: Record<string, Date | null>): Line[] {
  return Object.entries(times).flatMap(([what, time]) => (time ? [[`  ${what}`, "", ago(time, now)]] : []));
}

function ago(time: Date, now: Date): string {
  return `${age((now.getTime() - time.getTime()) / 1000)} ago`;
}
