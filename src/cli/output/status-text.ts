import { age } from "../../terminal/age.js";
import { type Cell, table } from "../../terminal/table.js";
import type { InstanceCount } from "../queries/instance-counts.js";
import type { WorkList } from "../queries/work-lists.js";
import type { Style } from "./instance-text.js";

/** What `vmstate status` prints. */
export interface Status {
  instances: InstanceCount[];
  workLists: WorkList[];
}

/** Writes the status for people: a table of the instances, and one of the work lists. */
export function statusText({ instances, workLists }: Status, { colors, width }: Style): string {
  const bold = (text: string): Cell => ({ text, paint: colors.bold });
  const total = instances.reduce((sum, { count }) => sum + count, 0);
  const counts = [...instances, { state: "total", count: total }];
  return [
    table(
      counts.map(({ state, count }) => [state, count]),
      { head: [bold("instances"), ""], right: [1], width },
    ),
    table(
      workLists.map(({ name, size, oldestSeconds, todo }) => [
        name,
        size,
        oldestSeconds === null ? "" : age(oldestSeconds),
        todo,
      ]),
      { head: ["work list", "rows", "oldest", "for each"].map(bold), right: [1, 2], width },
    ),
  ].join("\n\n");
}

/** Writes the status for programs. */
export function statusJson({ instances, workLists }: Status): unknown {
  return {
    instances: Object.fromEntries(instances.map(({ state, count }) => [state, count])),
    workLists: Object.fromEntries(
      workLists.map(({ name, size, oldestSeconds }) => [name, { size, oldestSeconds }]),
    ),
  };
}
