import type {
  HistoryExtentRow,
  InstanceHistoryRow,
  MigrationHistoryRow,
  VmmHistoryRow,
} from "../../client/generated.js";
import type { InstanceAtResult } from "../../client/results.js";
import { table } from "../../terminal/table.js";
import { type Line, linesText, type Style } from "./instance-text.js";

/** The changes of an instance, of its VMMs and of its migrations, each oldest first. */
export interface History {
  instance: InstanceHistoryRow[];
  vmms: VmmHistoryRow[];
  migrations: MigrationHistoryRow[];
  extent: HistoryExtentRow;
}

/** A change of any kind: what it was, and who made it. */
interface Change {
  id: number;
  time: string;
  what: string;
  role: string;
  verb: string | null;
  sagaId: string | null;
  cause: string | null;
}

/** Writes all changes in the order of their ids, in a table of two columns. */
export function historyText({ instance, vmms, migrations, extent }: History, style: Style): string {
  const changes: Change[] = [
    ...instance.map((row) => ({ ...row, what: `instance: ${instanceChange(row)}` })),
    ...vmms.map((row) => ({ ...row, what: `VMM ${row.rowId}: ${vmmChange(row)}` })),
    ...migrations.map((row) => ({ ...row, what: `migration ${row.rowId}: ${migrationChange(row)}` })),
  ].sort((a, b) => a.id - b.id);
  const begin = extent.since === null ? "now" : extent.since.toISOString();
  const note = style.colors.dim(`changes are recorded since ${begin}`);
  if (changes.length === 0) return note;
  const rows = changes.map((change) => [
    { text: change.time, paint: style.colors.dim },
    `${change.what} (${authorOf(change)})`,
  ]);
  return `${table(rows, { width: style.width })}\n${note}`;
}

function instanceChange(row: InstanceHistoryRow): string {
  const parts = [
    ...changed("", row.oldState, row.state),
    ...changed("intent ", row.oldIntendedState, row.intendedState),
    ...changed("active VMM ", row.oldActivePropolisId, row.activePropolisId),
    ...changed("destination VMM ", row.oldDestinationPropolisId, row.destinationPropolisId),
    ...changed("migration ", row.oldMigrationId, row.migrationId),
  ];
  return parts.length > 0 ? parts.join(", ") : "no change";
}

function vmmChange({ oldState, state, failureReason, deleted }: VmmHistoryRow): string {
  const reason = failureReason === null ? "" : ` (${failureReason})`;
  const parts = changed("", oldState, state).map((part) => `${part}${reason}`);
  return [...parts, ...(deleted ? ["deleted"] : [])].join(", ");
}

function migrationChange(row: MigrationHistoryRow): string {
  return [
    ...changed("source ", row.oldState, row.state),
    ...changed("destination ", row.oldDestinationState, row.destinationState),
    ...(row.deleted ? ["deleted"] : []),
  ].join(", ");
}

/** What changed, if anything: `a -> b`, or only the new value where there was none. */
function changed(name: string, before: string | null, after: string | null): string[] {
  if (before === after) return [];
  return [before === null ? `${name}${String(after)}` : `${name}${before} -> ${after ?? "none"}`];
}

function authorOf({ verb, role, sagaId, cause }: Change): string {
  return [
    verb ?? "a statement",
    `by ${role}`,
    ...(sagaId === null ? [] : [`saga ${sagaId}`]),
    ...(cause === null ? [] : [`cause: ${cause}`]),
  ].join(", ");
}

/** Writes an instance as it was, like `vmstate show`. */
export function pastText(
  instanceId: string,
  past: Extract<InstanceAtResult, { outcome: "applied" | "gone" }>,
  style: Style,
): string {
  const { time, stateGeneration } = past;
  const generation = stateGeneration === null ? "" : `, generation ${stateGeneration}`;
  const lines: Line[] = [
    ["instance", "", instanceId],
    ["  state", past.apiState, `${past.state}${generation}`],
    ["  intent", past.intendedState, ""],
    ["  active VMM", past.activeState ?? "", past.activePropolisId ?? "none"],
    ["  sled", "", past.activeSledId ?? "none"],
    ["  destination VMM", past.destinationState ?? "", past.destinationPropolisId ?? "none"],
    ["  sled", "", past.destinationSledId ?? "none"],
    ["  migration", "", past.migrationId ?? "none"],
    ["  since", "", time ?? "before changes were recorded"],
  ];
  return linesText(lines, style);
}
