import { beforeEach, inject, type TestContext } from "vitest";
import { GIVEN_UP } from "./given-up.js";

type Task = TestContext["task"];

/** On partitions, a case that is given up has to fail: one that holds after all is named. */
beforeEach(({ task, skip }) => {
  if (!inject("partitioned")) return;
  const ofFile = GIVEN_UP.filter(({ file }) => task.file.filepath.endsWith(`/${file}`));
  const titles = titlesIn(task.file);
  const unknown = ofFile.filter(({ test }) => !titles.includes(test)).map(({ test }) => test);
  if (unknown.length > 0)
    throw new Error(`given-up.ts names tests that are not there: ${unknown.join("; ")}`);
  const given = ofFile.find(({ test }) => test === task.name);
  if (given?.notRun !== undefined) skip(`${given.because}; ${given.notRun}`);
  if (given) Object.assign(task, { fails: true });
});

function titlesIn(parent: Task["file"]): string[] {
  const titles: string[] = [];
  const visit = (tasks: typeof parent.tasks): void => {
    for (const task of tasks)
      if (task.type === "suite") visit(task.tasks);
      else titles.push(task.name);
  };
  visit(parent.tasks);
  return titles;
}
