import { once } from "node:events";
import { expect, it } from "vitest";
import { withDatabase } from "../support/database.js";
import { until } from "../support/until.js";
import { TestHost } from "./run-cli.js";
import { Scenario } from "./scenario.js";

const db = withDatabase();
const watch = (): string[] => ["status", "--watch", "--interval", "0.1", "--database-url", db.url];

it("prints a status below the other where there is no screen, until Ctrl-C", async () => {
  const host = new TestHost();
  const running = host.run(...watch());
  await until("a status is printed", () => host.stdout.text.includes("stuck_instance"));
  await new Scenario(db.sql).create();
  await until("the new instance is counted", () => /^creating +1$/m.test(host.stdout.text));
  host.emit("SIGINT", "SIGINT");
  const { code, stdout, stderr } = await running;
  expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
  expect(stdout).toMatch(/^\d{4}-\S+Z {2}database \S+ at \S+\n\ninstances\n?/);
  expect(stdout).toMatch(/^watched_vmm .*\n\n\d{4}-\S+Z {2}database/m);
});

it("clears the screen of a terminal first", async () => {
  const host = new TestHost();
  host.stdout.isTTY = true;
  const running = host.run(...watch());
  await until("there are two", () => host.stdout.text.split("stuck_instance").length > 2);
  host.emit("SIGTERM", "SIGTERM");
  expect(await running).toMatchObject({ code: 143 });
  expect(host.stdout.text.startsWith("\u001b[1;1H\u001b[0J")).toBe(true);
});

it("ends with exit code 141 when nobody reads its output any more", async () => {
  const host = new TestHost();
  host.stdout.failure = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  const gone = once(host.stdout, "error");
  expect(await host.run(...watch())).toMatchObject({ code: 141, stderr: "" });
  await gone;
});

it("ends when the database refuses", async () => {
  const host = new TestHost();
  const running = host.run(...watch());
  await until("a status is printed", () => host.stdout.text.includes("stuck_instance"));
  await db.sql`alter view vmstate.stuck_instance rename to was_stuck_instance`;
  const { code, stderr } = await running;
  await db.sql`alter view vmstate.was_stuck_instance rename to stuck_instance`;
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^vmstate: .*"vmstate.stuck_instance" does not exist\n$/) as string,
  });
});
