import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createInstance } from "../../../src/index.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { race } = sessions;

describe("create_instance has inserted its id and name, not committed:", () => {
  const ids = (): [string, string] => [randomUUID(), randomUUID()];
  const creating = (id: string, projectId: string): Act<unknown> => {
    return (sql) => createInstance(sql, { instanceId: id, projectId, name: "web", intendedState: "running" });
  };

  it.each([
    [
      "the same name in the project is name_taken",
      "other",
      "same",
      { outcome: "conflict", reason: "name_taken" },
    ],
    ["the same id in the project is unchanged", "same", "same", { outcome: "unchanged", state: "creating" }],
    [
      "the same id in another project is instance_id_taken",
      "same",
      "other",
      { outcome: "conflict", reason: "instance_id_taken", instanceId: null },
    ],
  ] as const)("another create_instance waits for the commit: %s", async (_, id, project, second) => {
    const [firstId, firstProject] = ids();
    const [otherId, otherProject] = ids();
    expect(
      await race(
        creating(firstId, firstProject),
        creating(id === "same" ? firstId : otherId, project === "same" ? firstProject : otherProject),
      ),
    ).toMatchObject({ first: { outcome: "applied" }, second, waited: null });
  });

  it("another create_instance gets the name if the first one is rolled back", async () => {
    const [id, projectId] = ids();
    expect(await race(creating(id, projectId), creating(randomUUID(), projectId), "rollback")).toMatchObject({
      second: { outcome: "applied" },
      waited: null,
    });
  });
});
