import type { BothSides, InstanceRow, MigrationRow, VmmRow } from "../queries/instance-rows.js";
import type { Colors } from "../../terminal/io.js";
import { table } from "../../terminal/table.js";
import type { Cast } from "./cast.js";

/** An instance as the API shows it, beside its rows; deleted VMMs and past migrations are left out. */
export function picture({ api, rows }: BothSides, cast: Cast, colors: Colors): string {
  const shown = [api.instance, ...api.vmms];
  const line = (id: string, text: string): string[] => [
    cast.name(id),
    colors.cyan(shown.find((row) => row?.id === id)?.state ?? ""),
    text,
  ];
  return table(
    [
      line(rows.instance.id, instanceText(rows.instance, cast)),
      ...rows.vmms.filter(isThere).map((vmm) => line(vmm.id, vmmText(vmm))),
      ...rows.migrations
        .filter(({ id }) => id === rows.instance.migrationId)
        .map((migration) => line(migration.id, migrationText(migration))),
    ],
    { head: ["", "API shows", "row"].map(colors.dim), between: colors.dim(" │ ") },
  );
}

function isThere({ timeDeleted }: VmmRow): boolean {
  return timeDeleted === null;
}

function instanceText(row: InstanceRow, cast: Cast): string {
  const { state, stateGeneration, activePropolisId, destinationPropolisId } = row;
  const active = activePropolisId && `active ${cast.name(activePropolisId)}`;
  const destination = destinationPropolisId && `destination ${cast.name(destinationPropolisId)}`;
  return [state, `generation ${stateGeneration}`, active, destination].filter(Boolean).join(", ");
}

function vmmText({ state, stateGeneration }: VmmRow): string {
  return `${state}, generation ${stateGeneration}`;
}

function migrationText({ sourceState, destinationState }: MigrationRow): string {
  return `source ${sourceState}, destination ${destinationState}`;
}
