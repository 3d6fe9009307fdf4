import { isDeepStrictEqual } from "node:util";
import type { ListedInstance } from "../alternatives/alternative.js";
import { type Case, runCase } from "./case.js";

/** The instances of a project in the states that the user sees. */
export const projectList: Case = (stage) => {
  const { narrow, projectId, size } = stage;
  const lists = new Map<string, ListedInstance[]>();
  const entries = narrow.all.flatMap(({ name, listProject }) => {
    if (listProject === undefined) return [];
    return [{ name, size: 1, call: async () => lists.set(name, await listProject(projectId)) }];
  });
  return runCase(stage, {
    id: "project-list",
    title: `The list of a project's ${size.listed} instances`,
    unit: "lists",
    base: "bare statement",
    rounds: 300,
    entries,
    check: () => {
      for (const [name, list] of lists)
        if (!isDeepStrictEqual([...list], [...(lists.get("vmstate") ?? [])]))
          throw new Error(`${name} shows another list`);
      return Promise.resolve();
    },
  });
};
