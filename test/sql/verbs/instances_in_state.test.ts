import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { apiInstances, type ApiInstanceState, instanceDetails } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { createEveryCase, plantEveryCase } from "../every-case.js";
import { expectInvalid, stopped } from "../scenario.js";

const { sql } = withDatabase();
const STATES = [
  ...["creating", "starting", "running", "stopping", "stopped"],
  ...["rebooting", "migrating", "failed", "destroyed"],
] as ApiInstanceState[];

test("the states are all that the type has", async () => {
  const rows = await sql<{ state: string }[]>`
    select unnest(enum_range(null::vmstate.api_instance_state))::text as state`;
  expect(rows.map(({ state }) => state).sort()).toEqual(STATES.toSorted());
});

describe("an instance in every state that its rows can be in", () => {
  const projectId = randomUUID();
  const PAGE = 100;

  beforeAll(async () => {
    await createEveryCase(sql);
    await plantEveryCase(sql);
    await sql.begin(async (transaction) => {
      await transaction`set local session_replication_role = replica`;
      await transaction`update vmstate.instance set project_id = ${projectId}, name = 'i' || md5(id::text)`;
    });
    await sql`vacuum analyze vmstate.instance`;
  });

  test.each(STATES)("lists all instances that the API shows as %s, by name", async (state) => {
    const shown = await sql<{ id: string }[]>`
      select id from vmstate.api_instance where project_id = ${projectId} and state = ${state} order by name`;
    const ids = shown.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(state === "destroyed" ? -1 : 0);
    const listed = await sql<{ instance_id: string }[]>`
      select instance_id from vmstate.instances_in_state(${projectId}, ${state})`;
    expect(listed.map((row) => row.instance_id)).toEqual(ids);

    for (const read of [apiInstances, instanceDetails]) {
      const first = await read(sql, { projectId, state, limit: PAGE });
      const after = first.at(-1)?.name ?? null;
      const second = after === null ? [] : await read(sql, { projectId, state, after, limit: PAGE });
      expect([...first, ...second].map(({ id }) => id)).toEqual(ids.slice(0, 2 * PAGE));
    }
  });

  test("lists no instance of another project", async () => {
    for (const state of STATES)
      expect(await apiInstances(sql, { projectId: randomUUID(), state })).toEqual([]);
  });
});

test.each([
  ["p_project_id", { p_project_id: null }, /p_project_id must not be null/],
  ["p_state", { p_state: null }, /p_state must not be null/],
  ["p_limit", { p_limit: -1 }, /p_limit must not be negative, not -1/],
] as const)("refuses %s that it cannot use", async (argument, wrong, detail) => {
  const given = { p_project_id: randomUUID(), p_state: "stopped", ...wrong };
  await expectInvalid(sql, "instances_in_state", given, argument, detail);
});

test("an empty page has no instance, and p_limit 0 is one", async () => {
  const { create } = await stopped(sql);
  const page = { projectId: create.projectId, state: "stopped" as const };
  expect(await apiInstances(sql, { ...page, limit: 0 })).toEqual([]);
  expect(await apiInstances(sql, page)).toHaveLength(1);
});
