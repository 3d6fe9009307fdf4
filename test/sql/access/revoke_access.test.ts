import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bindSledAgent, grantAccess, revokeAccess, type AccessKind } from "../../../src/index.js";
import { readFacts } from "../../support/catalog-facts.js";
import { withDatabase } from "../../support/database.js";
import { expectInvalid } from "../scenario.js";
import { Actors, errorOf } from "./actors.js";

const db = withDatabase();
const { sql } = db;
let actors: Actors;
beforeAll(() => {
  actors = new Actors(db);
});
afterAll(async () => {
  await actors[Symbol.asyncDispose]();
});

const KINDS: AccessKind[] = ["control_plane", "sled_agent", "reader"];

/** All that was granted on objects of vmstate, without order. */
async function granted(): Promise<Set<unknown>> {
  return new Set(await readFacts(sql));
}

async function withKinds(...kinds: AccessKind[]): Promise<string> {
  return (await actors.create("former", kinds)).role;
}

describe.each(KINDS)("revoke_access of %s", (kind) => {
  test("applied: revokes all that grant_access granted; a replay is unchanged", async () => {
    // An access list that was never written, and one without entries, are not the same to the catalog.
    await withKinds(kind);
    const { role, sql: login } = await actors.create("former", []);
    const before = await granted();
    await grantAccess(sql, { role, kind });
    expect(await revokeAccess(sql, { role, kind })).toEqual({ outcome: "applied" });
    expect(await granted()).toEqual(before);
    expect(await revokeAccess(sql, { role, kind })).toEqual({ outcome: "unchanged" });
    expect(await errorOf(login`select from vmstate.schema_version`)).toMatchObject({ code: "42501" });
  });

  test("leaves rights that the role has as a member of another role", async () => {
    const group = await withKinds(kind);
    const { role, sql: login } = await actors.create("member", [kind]);
    await sql.unsafe(`grant ${group} to ${role}`);
    expect(await revokeAccess(sql, { role, kind })).toEqual({ outcome: "applied" });
    expect(await revokeAccess(sql, { role, kind })).toEqual({ outcome: "unchanged" });
    expect(await errorOf(login`select from vmstate.schema_version`)).toBeUndefined();
  });

  test("leaves other roles of the same kind alone", async () => {
    const [role, other] = [await withKinds(kind), await withKinds(kind)];
    await revokeAccess(sql, { role, kind });
    expect(await grantAccess(sql, { role: other, kind })).toEqual({ outcome: "unchanged" });
  });

  test("revokes the rest of a kind of which one right was revoked by hand", async () => {
    const role = await withKinds(kind);
    await sql.unsafe(`revoke select on vmstate.schema_version from ${role}`);
    expect(await revokeAccess(sql, { role, kind })).toEqual({ outcome: "applied" });
    expect(await revokeAccess(sql, { role, kind })).toEqual({ outcome: "unchanged" });
    const rights = await sql`select has_schema_privilege(${role}, 'vmstate', 'usage') as may`;
    expect(rights).toEqual([{ may: false }]);
  });
});

describe("revoke_access of one of several kinds", () => {
  test.each<[AccessKind, AccessKind]>([
    ["reader", "sled_agent"],
    ["sled_agent", "reader"],
  ])("%s, from a role that is also a %s: the other kind keeps all its rights", async (kind, other) => {
    const role = await withKinds(other, kind);
    expect(await revokeAccess(sql, { role, kind })).toEqual({ outcome: "applied" });
    expect(await grantAccess(sql, { role, kind: other })).toEqual({ outcome: "unchanged" });
    expect(await grantAccess(sql, { role, kind })).toEqual({ outcome: "applied" });
  });

  test.each<AccessKind>(["reader", "sled_agent"])(
    "%s, from a control_plane role: unchanged, as control_plane includes it",
    async (kind) => {
      const role = await withKinds("control_plane", kind);
      expect(await revokeAccess(sql, { role, kind })).toEqual({ outcome: "unchanged" });
    },
  );

  test("control_plane: revokes the rights of every other kind too, until granted again", async () => {
    const role = await withKinds("reader", "sled_agent", "control_plane");
    expect(await revokeAccess(sql, { role, kind: "control_plane" })).toEqual({ outcome: "applied" });
    for (const kind of KINDS)
      expect(await revokeAccess(sql, { role, kind })).toEqual({ outcome: "unchanged" });
    expect(await grantAccess(sql, { role, kind: "reader" })).toEqual({ outcome: "applied" });
  });
});

test("keeps the binding of a sled agent", async () => {
  const role = await withKinds("sled_agent");
  const sledId = randomUUID();
  await bindSledAgent(sql, { role, sledId });
  await revokeAccess(sql, { role, kind: "sled_agent" });
  expect(await bindSledAgent(sql, { role, sledId })).toEqual({ outcome: "unchanged" });
});

test("42501 for a role that is not the owner, even with EXECUTE", async () => {
  const stranger = await actors.create("stranger", ["reader"]);
  await sql.unsafe(`grant execute on all functions in schema vmstate to ${stranger.role}`);
  const before = await granted();
  const { role } = await actors.create("reader", ["reader"]);
  await revokeAccess(sql, { role, kind: "reader" });
  expect(await errorOf(revokeAccess(stranger.sql, { role: stranger.role, kind: "reader" }))).toMatchObject({
    code: "42501",
    message: "vmstate.revoke_access: only the owner of schema vmstate revokes access",
    detail: `Role "${stranger.role}" does not have the rights of the owner.`,
    hint: "Nothing was changed. Call vmstate.revoke_access as the role that applied the schema migrations.",
  });
  expect(await granted()).toEqual(before);
});

test("VM001 for the owner: all functions run with the rights of that role", async () => {
  const [{ role }] = await sql<[{ role: string }]>`select current_user as role`;
  expect(await errorOf(revokeAccess(sql, { role, kind: "control_plane" }))).toMatchObject({
    code: "VM001",
    detail: `p_role must not be "${role}", the owner of schema vmstate: the functions of the schema run with the rights of the owner.`,
  });
});

test("VM001 for nulls and for a role that does not exist", async () => {
  const p_role = await withKinds();
  const no = (argument: string, a: Record<string, string | null>, detail: RegExp): Promise<void> =>
    expectInvalid(sql, "revoke_access", a, argument, detail);
  await no("p_role", { p_role: null, p_kind: "reader" }, /null/);
  await no("p_kind", { p_role, p_kind: null }, /null/);
  await no("p_role", { p_role: "vmstate_test_nobody", p_kind: "reader" }, /"vmstate_test_nobody"/);
  await no("p_role", { p_role: "public", p_kind: "reader" }, /"public"/);
});
