import { age } from "../../terminal/age.js";
import { WIDTH } from "../../terminal/io.js";
import { type Cell, table } from "../../terminal/table.js";
import type { ListedInstance } from "../queries/instance-page.js";
import type { Style } from "./instance-text.js";

/** Writes instances in a table for each project. */
export function listText(instances: readonly ListedInstance[], now: Date, style: Style): string {
  const projects = new Map<string, ListedInstance[]>();
  for (const instance of instances) {
    const { projectId } = instance;
    projects.set(projectId, [...(projects.get(projectId) ?? []), instance]);
  }
  return [...projects].map(([id, listed]) => projectText(id, listed, now, style)).join("\n\n");
}

function projectText(
  id: string,
  instances: readonly ListedInstance[],
  now: Date,
  { colors, width }: Style,
): string {
  const bold = (text: string): Cell => ({ text, paint: colors.bold });
  // On a narrow terminal there is no room for the age beside the id.
  const hasAge = width >= WIDTH;
  const rows = instances.map(({ id, state, timeStateUpdated, name }): Cell[] => [
    id,
    { text: state, paint: state === "failed" ? colors.red : colors.cyan },
    ...(hasAge ? [age((now.getTime() - timeStateUpdated.getTime()) / 1000)] : []),
    name,
  ]);
  const head = ["instance", "state", ...(hasAge ? ["for"] : []), "name"].map(bold);
  return `project ${colors.bold(id)}\n${table(rows, { head, right: hasAge ? [2] : [], width })}`;
}
