import { expect, it } from "vitest";
import pc from "picocolors";
import { listText } from "../../src/cli/output/list-text.js";

const NOW = new Date("2026-01-01T00:01:00Z");
const instance = {
  id: "aaaaaaaa-0000-4000-8000-000000000001",
  projectId: "bbbbbbbb-0000-4000-8000-000000000002",
  timeStateUpdated: new Date("2026-01-01T00:00:00Z"),
  intendedState: "running",
} as const;
const failed = { ...instance, name: "web", state: "failed" } as const;
const running = { ...instance, name: "n".repeat(40), state: "running" } as const;

it("has no column of ages on a narrow terminal, and wraps the name", () => {
  const text = listText([failed, running], NOW, { colors: pc.createColors(false), width: 60 });
  expect(text.split("\n")).toEqual([
    `project ${instance.projectId}`,
    "instance                              state    name",
    `${instance.id}  failed   web`,
    `${instance.id}  running  ${"n".repeat(13)}`,
    ...["n".repeat(13), "n".repeat(13), "n"].map((rest) => " ".repeat(47) + rest),
  ]);
});

it("paints a failed instance red, and others cyan", () => {
  const text = listText([failed, running], NOW, { colors: pc.createColors(true), width: 80 });
  expect(text).toContain(pc.createColors(true).red("failed"));
  expect(text).toContain(pc.createColors(true).cyan("running"));
});
