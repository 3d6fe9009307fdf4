import { readFileSync } from "node:fs";
import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beginStart, invariantViolations, unwindMigration, unwindStart } from "../../src/index.js";
import { createDatabase, type TestDatabase } from "../harness/database.js";
import {
  anotherStart,
  applied,
  creating,
  deleted,
  handedOver,
  migrated,
  migrating,
  running,
  say,
  saying,
  type Scenario,
  stopped,
  unwound,
  update,
} from "./scenario.js";

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

type Write = (sql: postgres.ISql, s: Scenario) => Promise<unknown>;
type Given = (sql: postgres.Sql) => Promise<Scenario>;

class RolledBack extends Error {}

/** `act` in a transaction that is rolled back in any case; the SQL error if there is one. */
async function attempt(
  act: (sql: postgres.TransactionSql) => Promise<unknown>,
): Promise<postgres.PostgresError | undefined> {
  try {
    await db.sql.begin(async (sql) => {
      await act(sql);
      throw new RolledBack();
    });
  } catch (error) {
    if (error instanceof RolledBack) return undefined;
    return error as postgres.PostgresError;
  }
  return undefined;
}

/** Another VMM of the instance: creating, at generation 1, not linked. */
async function freshVmm(sql: postgres.ISql, { instanceId }: Scenario): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id)
      select ${instanceId}, id, id, 'fd00::9', id from gen_random_uuid() as id
      returning id`;
  return String(row?.id);
}

/** A migration between two VMMs of the instance, not linked. */
async function freshMigration(sql: postgres.ISql, s: Scenario, from: string, to: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id)
      select ${s.instanceId}, id, id, ${from}, ${to} from gen_random_uuid() as id
      returning id`;
  return String(row?.id);
}

/** Changes columns of one row, as an owner may with any client. */
const set =
  (table: "instance" | "vmm" | "migration", which: (s: Scenario) => string, columns: string): Write =>
  (sql, s) =>
    sql.unsafe(`update vmstate.${table} set ${columns} where id = '${which(s)}'`);

const instance = (columns: string): Write => set("instance", (s) => s.instanceId, columns);
const active = (columns: string): Write => set("vmm", (s) => s.propolisId, columns);
const destination = (columns: string): Write => set("vmm", (s) => s.destinationId, columns);
const migration = (columns: string): Write => set("migration", (s) => s.migrationId, columns);
const remove =
  (table: "instance" | "vmm" | "migration", which: (s: Scenario) => string): Write =>
  (sql, s) =>
    sql.unsafe(`delete from vmstate.${table} where id = '${which(s)}'`);

/** An instance as create_instance inserts it, but for these columns. */
const insertInstance =
  (column: string, value: string): Write =>
  (sql) =>
    sql.unsafe(`insert into vmstate.instance (id, project_id, name, intended_state, ${column})
      values (gen_random_uuid(), gen_random_uuid(), 'web', 'running', ${value})`);
const insertVmm =
  (column: string, value: string): Write =>
  (sql, s) =>
    sql.unsafe(`insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, ${column})
      values ('${s.instanceId}', gen_random_uuid(), gen_random_uuid(), 'fd00::9', gen_random_uuid(), ${value})`);
const insertMigration =
  (column: string, value: string): Write =>
  async (sql, s) => {
    const to = await freshVmm(sql, s);
    await sql.unsafe(`insert into vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id, ${column})
      values ('${s.instanceId}', gen_random_uuid(), gen_random_uuid(), '${s.propolisId}', '${to}', ${value})`);
  };

const links = (columns: string): Write => instance(`state_generation = state_generation + 1, ${columns}`);
const linkFresh =
  (columns: (id: string, s: Scenario) => string): Write =>
  async (sql, s) => {
    const id = await freshVmm(sql, s);
    await links(columns(id, s))(sql, s);
  };
/** Links a new VMM as destination, by a migration from `from` to `to`. */
const linkMigration =
  (from: (s: Scenario) => string, to?: (s: Scenario) => string, columns = ""): Write =>
  async (sql, s) => {
    const id = await freshVmm(sql, s);
    const migrationId = await freshMigration(sql, s, from(s), to?.(s) ?? id);
    await links(`destination_propolis_id = '${to?.(s) ?? id}', migration_id = '${migrationId}' ${columns}`)(
      sql,
      s,
    );
  };

/** An instance with a second VMM that runs although no link names it: the source of a completed migration. */
const withOrphan = migrated;
/** A dead VMM, no longer linked. */
const withAbandoned: Given = async (sql) => {
  const s = await saying(sql, "destroyed");
  await update(sql, s);
  return s;
};
const withFailed: Given = async (sql) => {
  const s = await saying(sql, "failed");
  await update(sql, s);
  return s;
};
/** The source has handed its guest over, and is still linked. */
const handingOver: Given = async (sql) => {
  const s = await migrating(sql);
  await say(sql, s, "active", "running", "completed");
  return s;
};
const locked: Given = async (sql) => {
  const s = await running(sql);
  await instance("updater_generation = 3, committed_updater_generation = 3")(sql, s);
  await instance("updater_id = gen_random_uuid(), updater_generation = 5, updater_lease_until = now()")(
    sql,
    s,
  );
  return s;
};
const ended: Given = async (sql) => {
  const s = await migrating(sql);
  await applied(unwindMigration(sql, s.migration));
  return s;
};
/** A migration that is over, and deleted. */
const withDeletedMigration: Given = async (sql) => {
  const s = await ended(sql);
  await update(sql, s);
  await migration("time_deleted = now()")(sql, s);
  return s;
};
const withDeletedVmm: Given = async (sql) => {
  const s = await withAbandoned(sql);
  await active("time_deleted = now()")(sql, s);
  return s;
};
const void_: Given = async (sql) => {
  const s = await migrating(sql);
  await applied(unwindStart(sql, s.start));
  return s;
};

interface Refusal {
  title: string;
  trigger: string;
  code: "VM101" | "VM102" | "VM103" | "VM104";
  given: Given;
  write: Write;
  /** What the detail must name: the actual and the attempted value. */
  detail: (s: Scenario) => string[];
}

const values =
  (...words: string[]) =>
  (): string[] =>
    words;
const id = (which: "instanceId" | "propolisId" | "destinationId" | "migrationId") => (s: Scenario) => [
  s[which],
];

function refusals(
  trigger: string,
  code: Refusal["code"],
  rows: [title: string, given: Given, write: Write, detail: Refusal["detail"]][],
): Refusal[] {
  return rows.map(([title, given, write, detail]) => ({ title, trigger, code, given, write, detail }));
}

const OTHER = "00000000-0000-4000-8000-000000000000";
const ANOTHER = "00000000-0000-4000-8000-000000000001";

const REFUSALS: Refusal[] = [
  ...refusals("guard_identity on instance", "VM103", [
    ["another id", creating, instance(`id = '${OTHER}'`), (s) => [s.instanceId, OTHER]],
    ["another project", creating, instance(`project_id = '${OTHER}'`), (s) => [s.create.projectId, OTHER]],
  ]),
  ...refusals("guard_insert on instance", "VM102", [
    [
      "an instance past its creation",
      creating,
      insertInstance("state", "'no_vmm'"),
      values('"state": "no_vmm"'),
    ],
    [
      "a later generation",
      creating,
      insertInstance("state_generation", "2"),
      values('"state_generation": 2'),
    ],
    [
      "an instance that is locked",
      creating,
      insertInstance("updater_id, updater_lease_until", `'${OTHER}', now()`),
      values(OTHER),
    ],
    [
      "an instance with a committed update",
      creating,
      insertInstance("committed_updater_generation", "1"),
      values('"committed_updater_generation": 1'),
    ],
    [
      "an instance that was restarted",
      creating,
      insertInstance("time_last_auto_restarted", "'2030-01-01'"),
      values("2030-01-01"),
    ],
    [
      "a deleted instance",
      creating,
      insertInstance("state, time_deleted", "'destroyed', '2030-01-01'"),
      values("destroyed", "2030-01-01"),
    ],
  ]),
  ...refusals("guard_state on instance", "VM101", [
    ["another state at the same generation", stopped, instance("state = 'failed'"), values("It is 2; 2")],
    ["a lower generation", stopped, instance("state_generation = 1"), values("It is 2; 1")],
    [
      "another state at a lower generation",
      stopped,
      instance("state = 'failed', state_generation = 1"),
      values("It is 2; 1"),
    ],
    [
      "another time of its state at the same generation",
      stopped,
      instance("time_state_updated = now()"),
      values("It is 2; 2"),
    ],
    [
      "the links of the plan at the same generation",
      ended,
      instance("destination_propolis_id = null, migration_id = null"),
      values("It is 4; 4"),
    ],
  ]),
  ...refusals("guard_state on instance", "VM102", [
    ["a second creation", stopped, links("state = 'creating'"), values("It is no_vmm; creating")],
    [
      "a resurrection",
      deleted,
      links("state = 'no_vmm', time_deleted = null"),
      values("It is destroyed; no_vmm"),
    ],
    [
      "another time of deletion",
      deleted,
      instance("time_deleted = '2030-01-01'"),
      values("It is deleted; another time of deletion"),
    ],
    [
      "another time of deletion at a new generation",
      deleted,
      links("time_deleted = '2030-01-01'"),
      values("It is deleted; another time of deletion"),
    ],
  ]),
  ...refusals("guard_links on instance", "VM104", [
    [
      "no active VMM instead of a live one",
      running,
      links("state = 'no_vmm', active_propolis_id = null"),
      (s) => [`active ${s.propolisId}`, "active none"],
    ],
    [
      "no active VMM while the destination decides",
      async (sql) => {
        const s = await migrating(sql);
        await say(sql, s, "active", "destroyed");
        return s;
      },
      links(
        "state = 'no_vmm', active_propolis_id = null, destination_propolis_id = null, migration_id = null",
      ),
      id("propolisId"),
    ],
    [
      "a new VMM instead of a live one",
      running,
      linkFresh((id) => `active_propolis_id = '${id}'`),
      id("propolisId"),
    ],
    [
      "a new VMM instead of a failed one",
      (sql) => saying(sql, "failed"),
      linkFresh((id) => `active_propolis_id = '${id}'`),
      id("propolisId"),
    ],
    [
      "an old, live VMM instead of an unwound one",
      async (sql) => {
        const s = await withOrphan(sql);
        await destination("state = 'destroyed', state_generation = 99")(sql, s);
        await update(sql, s);
        await applied(beginStart(sql, { ...anotherStart(s), sagaId: s.start.sagaId, propolisId: ANOTHER }));
        await applied(unwindStart(sql, { ...s.start, propolisId: ANOTHER }));
        return s;
      },
      (sql, s) => links(`active_propolis_id = '${s.propolisId}'`)(sql, s),
      (s) => [ANOTHER, s.propolisId],
    ],
    [
      "a dead VMM instead of none",
      withFailed,
      (sql, s) => links(`state = 'vmm', active_propolis_id = '${s.propolisId}'`)(sql, s),
      (s) => ["active none", `active ${s.propolisId}`],
    ],
    [
      "a new VMM and, in the same write, no migration",
      void_,
      linkFresh((id) => `active_propolis_id = '${id}', destination_propolis_id = null, migration_id = null`),
      id("propolisId"),
    ],
    [
      "only a part of what the plan clears",
      void_,
      links("destination_propolis_id = null, migration_id = null"),
      (s) => [s.destinationId, s.migrationId],
    ],
    [
      "the destination as active before it decided",
      migrating,
      (sql, s) => links(`active_propolis_id = '${s.destinationId}'`)(sql, s),
      (s) => [s.propolisId, s.destinationId],
    ],
    [
      "a new destination instead of a live one",
      migrating,
      linkMigration((s) => s.propolisId),
      id("destinationId"),
    ],
    [
      "no destination while it decides",
      migrating,
      links("destination_propolis_id = null, migration_id = null"),
      (s) => [s.destinationId, "destination none"],
    ],
    [
      "a destination that is not new",
      withOrphan,
      linkMigration(
        (s) => s.destinationId,
        (s) => s.propolisId,
      ),
      id("propolisId"),
    ],
    [
      "a migration from another VMM than the active one",
      withOrphan,
      linkMigration((s) => s.propolisId),
      id("destinationId"),
    ],
    [
      "a migration of a VMM that does not run",
      (sql) => saying(sql, "stopping"),
      linkMigration((s) => s.propolisId),
      id("propolisId"),
    ],
    [
      "a start before the instance is created",
      creating,
      linkFresh((id) => `state = 'vmm', active_propolis_id = '${id}'`),
      values("active none"),
    ],
    [
      "a migration that leads elsewhere",
      running,
      async (sql, s) => {
        const elsewhere = await freshMigration(sql, s, s.propolisId, await freshVmm(sql, s));
        await links(`destination_propolis_id = '${await freshVmm(sql, s)}', migration_id = '${elsewhere}'`)(
          sql,
          s,
        );
      },
      values("destination none"),
    ],
  ]),
  ...refusals("guard_updater on instance", "VM101", [
    ["a take-over at the same generation", locked, instance(`updater_id = '${OTHER}'`), values("It is 5; 5")],
    [
      "a lock at the same generation",
      running,
      instance(`updater_id = '${OTHER}', updater_lease_until = now()`),
      values("It is 1; 1"),
    ],
    ["a lower updater generation", locked, instance("updater_generation = 4"), values("It is 5; 4")],
    ["an older commit", locked, instance("committed_updater_generation = 2"), values("It is 3; 2")],
    ["a forgotten commit", locked, instance("committed_updater_generation = null"), values("It is 3")],
  ]),
  ...refusals("guard_updater on instance", "VM104", [
    [
      "a commit that keeps the lock",
      locked,
      instance("committed_updater_generation = updater_generation"),
      values("last committed at 3", "5 while the lock is held"),
    ],
  ]),
  ...refusals("guard_delete on instance", "VM104", [
    ["DELETE", creating, remove("instance", (s) => s.instanceId), values("not deleted", "DELETE")],
  ]),

  ...refusals("GUARD_identity on vmm", "VM103", [
    ["another id", withAbandoned, active(`id = '${OTHER}'`), (s) => [s.propolisId, OTHER]],
    [
      "another instance",
      withAbandoned,
      async (sql, s) => {
        const other = await creating(db.sql);
        await active(`instance_id = '${other.instanceId}'`)(sql, s);
      },
      id("instanceId"),
    ],
    ["another sled", running, active(`sled_id = '${OTHER}'`), (s) => [s.start.sledId, OTHER]],
    ["another saga", running, active(`saga_id = '${OTHER}'`), (s) => [s.start.sagaId, OTHER]],
    ["another address", running, active("propolis_ip = 'fd00::99'"), values("fd00::1", "fd00::99")],
    ["another port", running, active("propolis_port = 1"), values("It is 12400; 1 was")],
  ]),
  ...refusals("guard_insert on vmm", "VM102", [
    ["a VMM that is alive already", stopped, insertVmm("state", "'starting'"), values('"state": "starting"')],
    ["a dead VMM", stopped, insertVmm("state", "'saga_unwound'"), values('"state": "saga_unwound"')],
    ["a later generation", stopped, insertVmm("state_generation", "2"), values('"state_generation": 2')],
    [
      "a VMM that says it is linked",
      stopped,
      insertVmm("time_unlinked", "null"),
      values('"time_unlinked": null'),
    ],
    ["a VMM that ran", stopped, insertVmm("time_started", "'2030-01-01'"), values("2030-01-01")],
    ["a deleted VMM", stopped, insertVmm("time_deleted", "'2030-01-01'"), values("2030-01-01")],
  ]),
  ...refusals("guard_state on vmm", "VM101", [
    ["another state at the same generation", running, active("state = 'stopping'"), values("It is 2; 2")],
    [
      "another state at a lower one",
      running,
      active("state = 'stopping', state_generation = 1"),
      values("It is 2; 1"),
    ],
    ["a lower generation", running, active("state_generation = 1"), values("It is 2; 1")],
    ["another time of its state", running, active("time_state_updated = now()"), values("It is 2; 2")],
    ["another time of its start", running, active("time_started = null"), values("It is 2; 2")],
    [
      "another failure",
      (sql) => saying(sql, "failed"),
      active("failure_reason = 'operator'"),
      values("It is 3; 3"),
    ],
  ]),
  ...refusals("guard_state on vmm", "VM102", [
    ...(["starting", "running", "failed", "saga_unwound"] as const).map(
      (state): [string, Given, Write, Refusal["detail"]] => [
        `${state} to creating`,
        async (sql) => {
          if (state === "saga_unwound") return await unwound(sql);
          return await saying(sql, state);
        },
        active("state = 'creating', state_generation = 99, failure_reason = null"),
        values(`It is ${state}; creating`),
      ],
    ),
    [
      "destroyed to running",
      (sql) => saying(sql, "destroyed"),
      active("state = 'running', state_generation = 99"),
      values("It is destroyed; running"),
    ],
    [
      "failed to destroyed",
      (sql) => saying(sql, "failed"),
      active("state = 'destroyed', state_generation = 99, failure_reason = null"),
      values("It is failed; destroyed"),
    ],
    [
      "saga_unwound to destroyed",
      unwound,
      active("state = 'destroyed', state_generation = 99"),
      values("It is saga_unwound; destroyed"),
    ],
    [
      "destroyed to saga_unwound when no link names it",
      withAbandoned,
      active("state = 'saga_unwound', state_generation = 99"),
      values("It is destroyed; saga_unwound"),
    ],
    [
      "running to saga_unwound when its guest has left",
      handingOver,
      active("state = 'saga_unwound', state_generation = 99"),
      values("It is running; saga_unwound"),
    ],
    [
      "creating to saga_unwound while a migration leads there",
      migrating,
      destination("state = 'saga_unwound', state_generation = 99"),
      values("It is creating; saga_unwound"),
    ],
  ]),
  ...refusals("guard_link on vmm", "VM104", [
    [
      "that a linked VMM is not",
      running,
      active("time_unlinked = '2030-01-01'"),
      values("null (linked)", "2030-01-01"),
    ],
    ["that an unlinked VMM is linked", withOrphan, active("time_unlinked = null"), values("null (linked)")],
    ["another time of unlinking", withOrphan, active("time_unlinked = '2030-01-01'"), values("2030-01-01")],
  ]),
  ...refusals("guard_deletion on vmm", "VM104", [
    [
      "deletion of a linked VMM",
      (sql) => saying(sql, "destroyed"),
      active("time_deleted = now()"),
      values("destroyed, linked"),
    ],
    ["deletion of a live VMM", withOrphan, active("time_deleted = now()"), values("running, not linked")],
  ]),
  ...refusals("guard_deletion on vmm", "VM102", [
    ["another time of deletion", withDeletedVmm, active("time_deleted = '2030-01-01'"), values("deleted")],
    ["that a deleted VMM is not", withDeletedVmm, active("time_deleted = null"), values("deleted")],
  ]),
  ...refusals("guard_delete on vmm", "VM104", [
    [
      "DELETE of a dead VMM",
      withAbandoned,
      remove("vmm", (s) => s.propolisId),
      values("not deleted", "DELETE"),
    ],
  ]),

  ...refusals("guard_identity on migration", "VM103", [
    ["another id", withOrphan, migration(`id = '${OTHER}'`), (s) => [s.migrationId, OTHER]],
    ["another saga", migrating, migration(`saga_id = '${OTHER}'`), (s) => [s.migration.sagaId, OTHER]],
    [
      "another source",
      migrating,
      async (sql, s) => migration(`source_propolis_id = '${await freshVmm(sql, s)}'`)(sql, s),
      id("propolisId"),
    ],
    [
      "another destination",
      migrating,
      async (sql, s) => migration(`destination_propolis_id = '${await freshVmm(sql, s)}'`)(sql, s),
      id("destinationId"),
    ],
  ]),
  ...refusals("guard_insert on migration", "VM102", [
    ["a source that began", running, insertMigration("source_state", "'in_progress'"), values("in_progress")],
    [
      "a destination that ended",
      running,
      insertMigration("destination_state", "'completed'"),
      values("completed"),
    ],
    [
      "a later generation of the source",
      running,
      insertMigration("source_generation", "2"),
      values('"source_generation": 2'),
    ],
    [
      "a later generation of the destination",
      running,
      insertMigration("destination_generation", "2"),
      values('"destination_generation": 2'),
    ],
    ["a deleted migration", running, insertMigration("time_deleted", "'2030-01-01'"), values("2030-01-01")],
  ]),
  ...(["source", "destination"] as const).flatMap((side) => [
    ...refusals("guard_sides on migration", "VM101", [
      [
        `another state of the ${side} at the same generation`,
        migrating,
        migration(`${side}_state = 'in_progress'`),
        values("It is 1; 1"),
      ],
      [
        `another time of the ${side}`,
        migrating,
        migration(`time_${side}_updated = now()`),
        values("It is 1; 1"),
      ],
      [`a lower generation of the ${side}`, ended, migration(`${side}_generation = 1`), values("It is 2; 1")],
    ]),
    ...refusals("guard_sides on migration", "VM102", [
      [
        `another end of the ${side}`,
        ended,
        migration(`${side}_state = 'completed', ${side}_generation = 99`),
        values("It is failed; completed"),
      ],
    ]),
  ]),
  ...refusals("guard_deletion on migration", "VM104", [
    ["deletion while it is linked", ended, migration("time_deleted = now()"), values("linked", "deletion")],
  ]),
  ...refusals("guard_deletion on migration", "VM102", [
    [
      "another time of deletion",
      withDeletedMigration,
      migration("time_deleted = '2030-01-01'"),
      values("deleted"),
    ],
    [
      "that a deleted migration is not",
      withDeletedMigration,
      migration("time_deleted = null"),
      values("deleted"),
    ],
  ]),
  ...refusals("guard_delete on migration", "VM104", [
    ["DELETE", withOrphan, remove("migration", (s) => s.migrationId), values("not deleted", "DELETE")],
  ]),
];

const VERB =
  /\b(create|delete|configure)_instance\b|\b(begin|unwind)_(start|migration)\b|\b(run|commit|explain)_update\b|\b(report|fail|delete)_vmm\b/;

describe("Without it the write passes:", () => {
  const titled = REFUSALS.map((refusal): [string, Refusal] => [
    `${refusal.trigger} refuses as ${refusal.code}: ${refusal.title}`,
    refusal,
  ]);

  it.each(titled)("%s", async (_, { trigger, code, given, write, detail }) => {
    const s = await given(db.sql);
    const error = await attempt((sql) => write(sql, s));
    expect(error).toMatchObject({ code });
    expect(error?.hint).toMatch(VERB);
    for (const word of detail(s)) expect(error?.detail).toContain(word);

    const [name, , table] = trigger.split(" ");
    expect(
      await attempt(async (sql) => {
        await sql.unsafe(`alter table vmstate.${table} disable trigger "${name}"`);
        await write(sql, s);
      }),
    ).toBeUndefined();
  });

  it("refuses another id of a linked VMM as such, before the foreign key does", async () => {
    const s = await running(db.sql);
    const error = await attempt((sql) => active(`id = '${OTHER}'`)(sql, s));
    expect(error).toMatchObject({ code: "VM103" });
  });
});

describe("guard_truncate", () => {
  const TABLES = ["instance", "vmm", "migration"];
  const without = (tables: string[], truncated: string): Promise<postgres.PostgresError | undefined> =>
    attempt(async (sql) => {
      for (const table of tables)
        await sql.unsafe(`alter table vmstate.${table} disable trigger guard_truncate`);
      await sql.unsafe(`truncate vmstate.${truncated} cascade`);
    });

  it.each(TABLES)(
    "refuses TRUNCATE of %s as VM104, also without the triggers of the others",
    async (table) => {
      const error = await without(
        TABLES.filter((other) => other !== table),
        table,
      );
      expect(error).toMatchObject({ code: "VM104" });
      expect(error?.message).toContain(`vmstate.${table}`);
      expect(error?.detail).toContain("TRUNCATE");
      expect(error?.hint).toMatch(VERB);
    },
  );

  it.each(TABLES)("is all that refuses TRUNCATE of %s", async (table) => {
    expect(await without(TABLES, table)).toBeUndefined();
  });
});

it("every trigger is tested here", async () => {
  const tested = new Set(REFUSALS.map(({ trigger }) => trigger));
  for (const table of ["instance", "vmm", "migration"]) tested.add(`guard_truncate on ${table}`);
  tested.add("mark_links on instance");
  const triggers = await db.sql<{ name: string }[]>`
    select format('%s on %s', tgname, relname) as name
      from pg_trigger join pg_class as c on c.oid = tgrelid
      where relnamespace = 'vmstate'::regnamespace and not tgisinternal`;
  expect(triggers.map(({ name }) => name).sort()).toEqual([...tested].sort());
});

describe("An owner may", () => {
  const allowed: [string, Given, Write][] = [
    ["rename an instance", running, instance("name = 'db', time_modified = now()")],
    [
      "configure its restarts",
      running,
      instance(
        "auto_restart_policy = 'never', auto_restart_cooldown = '1 hour', time_last_auto_restarted = now()",
      ),
    ],
    ["change its intent", running, instance("intended_state = 'stopped'")],
    ["raise its generation", running, instance("state_generation = state_generation + 1")],
    ["make it fail at a new generation", stopped, links("state = 'failed', time_state_updated = now()")],
    ["delete it at a new generation", stopped, links("state = 'destroyed', time_deleted = now()")],
    ["write no change of an instance", migrating, noChange("instance")],
    ["write no change of its VMMs", migrating, noChange("vmm")],
    ["write no change of its migrations", migrating, noChange("migration")],
    [
      "write no change of dead VMMs and ended sides",
      ended,
      (sql, s) => Promise.all([noChange("vmm")(sql, s), noChange("migration")(sql, s)]),
    ],
    ["write no change of a deleted VMM", withDeletedVmm, noChange("vmm")],
    ["write no change of a deleted migration", withDeletedMigration, noChange("migration")],
    [
      "take the updater lock at a new generation",
      locked,
      instance(`updater_id = '${OTHER}', updater_generation = 6`),
    ],
    ["release the updater lock", locked, instance("updater_id = null, updater_lease_until = null")],
    ["prolong a lease", locked, instance("updater_lease_until = 'infinity'")],
    [
      "link a new VMM in place of none",
      stopped,
      linkFresh((id) => `state = 'vmm', active_propolis_id = '${id}'`),
    ],
    ["link a new VMM in place of an unwound one", unwound, linkFresh((id) => `active_propolis_id = '${id}'`)],
    [
      "link a new VMM in place of an unwound one and leave the migration",
      void_,
      linkFresh((id) => `active_propolis_id = '${id}'`),
    ],
    ["link a new destination in place of none", running, linkMigration((s) => s.propolisId)],
    ["link a new destination in place of an unwound one", ended, linkMigration((s) => s.propolisId)],
    [
      "clear what the plan clears",
      void_,
      links(
        "state = 'no_vmm', active_propolis_id = null, destination_propolis_id = null, migration_id = null",
      ),
    ],
    ["clear a migration that failed", ended, links("destination_propolis_id = null, migration_id = null")],
    [
      "unlink a dead VMM",
      (sql) => saying(sql, "destroyed"),
      links("state = 'no_vmm', active_propolis_id = null"),
    ],
    [
      "move the guest to the destination that has it",
      handingOver,
      (sql, s) => links(`active_propolis_id = '${s.destinationId}'`)(sql, s),
    ],
    ["change a VMM at a new generation", running, active("state = 'stopped', state_generation = 99")],
    ["unwind a linked live VMM", running, active("state = 'saga_unwound', state_generation = 99")],
    [
      "unwind the destination of a migration that failed on both sides",
      migrating,
      async (sql, s) => {
        await migration(
          "source_state = 'failed', source_generation = 2, destination_state = 'failed', destination_generation = 2",
        )(sql, s);
        await destination("state = 'saga_unwound', state_generation = 99")(sql, s);
      },
    ],
    [
      "unwind a linked dead VMM",
      (sql) => saying(sql, "failed"),
      active("state = 'saga_unwound', state_generation = 99, failure_reason = null"),
    ],
    ["delete a dead VMM that nobody names", withAbandoned, active("time_deleted = now()")],
    [
      "change a migration's sides at new generations",
      migrating,
      migration(
        "source_state = 'failed', source_generation = 2, destination_state = 'completed', destination_generation = 9",
      ),
    ],
    ["delete a migration that is not linked", withOrphan, migration("time_deleted = now()")],
    ["purge a deleted instance", deleted, remove("instance", (s) => s.instanceId)],
    ["purge a deleted VMM", withDeletedVmm, remove("vmm", (s) => s.propolisId)],
    ["purge a deleted migration", withDeletedMigration, remove("migration", (s) => s.migrationId)],
  ];

  it.each(allowed)("%s, and breaks no invariant", async (_, given, write) => {
    const s = await given(db.sql);
    const error = await attempt(async (sql) => {
      await write(sql, s);
      expect(await invariantViolations(sql)).toEqual([]);
    });
    expect(error).toBeUndefined();
  });

  /** All columns written, none changed. */
  function noChange(table: "instance" | "vmm" | "migration"): Write {
    return async (sql, s) => {
      const columns = await sql<{ column: string }[]>`
        select quote_ident(attname) as column from pg_attribute
          where attrelid = ${`vmstate.${table}`}::regclass and attnum > 0 and not attisdropped`;
      const key = table === "instance" ? "id" : "instance_id";
      const assignments = columns.map(({ column }) => `${column} = ${column}`).join();
      const { count } = await sql.unsafe(
        `update vmstate.${table} set ${assignments} where ${key} = '${s.instanceId}'`,
      );
      expect(count).toBeGreaterThan(0);
    };
  }
});

describe("mark_links", () => {
  const unlink = links("state = 'no_vmm', active_propolis_id = null");

  it("keeps time_unlinked true when an owner changes links", async () => {
    const s = await saying(db.sql, "destroyed");
    await unlink(db.sql, s);
    const [row] =
      await db.sql`select time_unlinked is not null as unlinked from vmstate.vmm where id = ${s.propolisId}`;
    expect(row).toEqual({ unlinked: true });
  });

  it("is all that does", async () => {
    const s = await saying(db.sql, "destroyed");
    const error = await attempt(async (sql) => {
      await sql`alter table vmstate.instance disable trigger mark_links`;
      await unlink(sql, s);
      expect(await invariantViolations(sql)).toMatchObject([{ invariant: "time_unlinked_iff_unlinked" }]);
    });
    expect(error).toBeUndefined();
  });
});

describe("invariant_violation", () => {
  const planted: [invariants: string[], what: string, given: Given, write: Write][] = [
    [
      ["active_vmm_is_its_own", "time_unlinked_iff_unlinked"],
      "an active VMM that does not exist",
      running,
      instance(`active_propolis_id = '${OTHER}'`),
    ],
    [
      ["active_vmm_is_its_own"],
      "another instance's VMM as active one",
      withFailed,
      async (sql, s) => {
        const other = await running(db.sql);
        await instance(`state = 'vmm', active_propolis_id = '${other.propolisId}'`)(sql, s);
      },
    ],
    [
      ["destination_vmm_is_its_own", "migration_is_its_own", "time_unlinked_iff_unlinked"],
      "a destination that does not exist",
      migrating,
      instance(`destination_propolis_id = '${OTHER}'`),
    ],
    [
      ["migration_is_its_own"],
      "a migration that does not exist",
      migrating,
      instance(`migration_id = '${OTHER}'`),
    ],
    [
      ["migration_is_its_own"],
      "a migration that leads to another VMM",
      migrating,
      async (sql, s) => {
        const elsewhere = await freshVmm(sql, s);
        await instance(`migration_id = '${await freshMigration(sql, s, s.propolisId, elsewhere)}'`)(sql, s);
      },
    ],
    [
      ["vmm_has_an_instance"],
      "a VMM without an instance",
      withAbandoned,
      remove("instance", (s) => s.instanceId),
    ],
    [
      ["migration_has_its_vmms"],
      "a migration from a VMM that does not exist",
      migrating,
      migration(`source_propolis_id = '${OTHER}'`),
    ],
    [
      ["time_unlinked_iff_unlinked"],
      "a linked VMM that is marked as unlinked",
      running,
      active("time_unlinked = now()"),
    ],
    [
      ["time_unlinked_iff_unlinked"],
      "an unlinked VMM that is marked as linked",
      withOrphan,
      active("time_unlinked = null"),
    ],
    [
      ["linked_vmm_is_not_deleted"],
      "a deleted VMM that is linked",
      (sql) => saying(sql, "destroyed"),
      active("time_deleted = now()"),
    ],
    [["deleted_vmm_is_dead"], "a deleted VMM that is alive", withOrphan, active("time_deleted = now()")],
    [
      ["linked_migration_is_not_deleted"],
      "a deleted migration that is linked",
      ended,
      migration("time_deleted = now()"),
    ],
    [
      ["unwound_migration_failed"],
      "an unwound destination whose migration goes on",
      migrating,
      destination("state = 'saga_unwound'"),
    ],
    [
      ["unwound_migration_failed"],
      "an unwound destination that had taken the guest over",
      handedOver,
      destination("state = 'saga_unwound'"),
    ],
    [
      ["migration_changes_the_sled"],
      "a migration that stays on its sled",
      migrating,
      (sql, s) => destination(`sled_id = '${s.start.sledId}'`)(sql, s),
    ],
  ];

  it.each(planted)("finds %j: %s", async (invariants, _, given, write) => {
    const s = await given(db.sql);
    const error = await attempt(async (sql) => {
      expect(await invariantViolations(sql)).toEqual([]);
      await sql`set local session_replication_role = replica`;
      await write(sql, s);
      const found = await invariantViolations(sql);
      expect(found.map(({ invariant }) => invariant).sort()).toEqual(invariants);
      expect(found.every(({ instanceId, detail }) => instanceId === s.instanceId && detail !== "")).toBe(
        true,
      );
    });
    expect(error).toBeUndefined();
  });

  it("is looked at here for each invariant it knows", () => {
    const text = readFileSync(new URL("../../sql/views/invariant_violation.sql", import.meta.url), "utf8");
    const selects = text.split("UNION ALL").map((select) => /'(\w+)'(?: AS invariant)?,\s/.exec(select)?.[1]);
    const known = new Set(selects);
    expect([...new Set(planted.flatMap(([invariants]) => invariants))].sort()).toEqual([...known].sort());
  });

  it("stays empty when a completion arrives after the source was unwound", async () => {
    const s = await void_(db.sql);
    const answer = await say(db.sql, s, "destination", "running", "completed");
    expect(answer).toMatchObject({ migrationInOutcome: "applied" });
    expect(await invariantViolations(db.sql)).toEqual([]);
  });

  it.each<[string, Given, Write]>([
    [
      "a link to a migration that stays on its sled",
      running,
      async (sql, s) => {
        const [row] = await sql<{ id: string }[]>`
          insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id)
            select ${s.instanceId}, id, ${s.start.sledId}, 'fd00::9', id from gen_random_uuid() as id
            returning id`;
        const to = String(row?.id);
        const id = await freshMigration(sql, s, s.propolisId, to);
        await links(`destination_propolis_id = '${to}', migration_id = '${id}'`)(sql, s);
      },
    ],
    [
      "a link to a deleted migration",
      running,
      async (sql, s) => {
        const to = await freshVmm(sql, s);
        const id = await freshMigration(sql, s, s.propolisId, to);
        await sql`update vmstate.migration set time_deleted = now() where id = ${id}`;
        await links(`destination_propolis_id = '${to}', migration_id = '${id}'`)(sql, s);
      },
    ],
  ])("stays empty whatever an owner writes: the guards refuse %s", async (_, given, write) => {
    const s = await given(db.sql);
    const error = await attempt(async (sql) => {
      await write(sql, s);
      expect(await invariantViolations(sql)).toEqual([]);
    });
    expect(error).toMatchObject({ code: expect.stringMatching(/^VM10/) as string });
  });
});
