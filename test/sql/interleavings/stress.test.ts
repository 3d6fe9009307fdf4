import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import {
  beginMigration,
  beginStart,
  beginUpdate,
  commitUpdate,
  deleteInstance,
  deleteVmm,
  explainUpdate,
  failSled,
  failVmm,
  invariantViolations,
  reportVmm,
  reportVmms,
  requestReboot,
  requestStop,
  runUpdate,
  unlockUpdate,
  unwindMigration,
  unwindStart,
  type BeginMigrationArguments,
  type CommitUpdateArguments,
  type ReportedVmmState,
  type ReportVmmArguments,
} from "../../../src/index.js";
import { running, stopped } from "../scenario.js";
import { newSessions } from "./sessions.js";

const sessions = newSessions();

describe("eight sessions that call random verbs on three instances", () => {
  const SESSIONS = 8;
  const ACTS_PER_SESSION = 400;
  const STATES: ReportedVmmState[] = [
    ...Array.from({ length: 8 }, () => "running" as const),
    "starting",
    "stopping",
    "stopped",
    "rebooting",
    "migrating",
    "failed",
    "destroyed",
  ];

  it("never deadlock, get no errors, and break no invariant", async () => {
    const seed = Number(process.env["STRESS_SEED"] ?? Math.trunc(Math.random() * 2 ** 32));
    const instances = await Promise.all([0, 1, 2].map(() => running(sessions.sql)));
    const sleds = instances.map(({ start }) => start.sledId);
    const starts = instances.map(({ start }) => start);
    const migrations: BeginMigrationArguments[] = [];
    const updates: CommitUpdateArguments[] = [];
    const totals = new Map<string, number>();
    let clock = 10;

    const act = async (sql: postgres.Sql, pick: <T>(of: readonly T[]) => T): Promise<void> => {
      const { instanceId, create } = pick(instances);
      const sagaId = randomUUID();
      const recent = <T>(list: readonly T[]): T[] => list.slice(-6);
      const anyVmm = pick([
        ...recent(starts),
        ...recent(migrations).map((m) => ({ ...m, propolisId: m.destinationPropolisId })),
      ]);
      const aReport = (): ReportVmmArguments => {
        const time = new Date();
        const state = pick(STATES);
        const { instanceId, propolisId } = anyVmm;
        const plain = { instanceId, propolisId, state, generation: clock++, time };
        if (!("migrationId" in anyVmm)) return plain;
        const side = pick(["in_progress", "in_progress", "completed", "failed"] as const);
        return pick<ReportVmmArguments>([
          plain,
          {
            ...plain,
            migrationInId: anyVmm.migrationId,
            migrationInState: side,
            migrationInGeneration: clock++,
            migrationInTime: time,
          },
          {
            ...plain,
            propolisId: anyVmm.sourcePropolisId,
            migrationOutId: anyVmm.migrationId,
            migrationOutState: side,
            migrationOutGeneration: clock++,
            migrationOutTime: time,
          },
        ]);
      };
      const verbs = {
        beginStart: async () => {
          const start = {
            instanceId,
            sagaId,
            propolisId: randomUUID(),
            sledId: pick(sleds),
            propolisIp: "fd00::1",
          };
          const answer = await beginStart(sql, start);
          if (answer.outcome === "applied") starts.push(start);
          return answer;
        },
        unwindStart: () => unwindStart(sql, pick(recent(starts))),
        beginMigration: async () => {
          const { activePropolisId } = await explainUpdate(sql, { instanceId });
          const migration = {
            instanceId,
            sagaId,
            migrationId: randomUUID(),
            sourcePropolisId: activePropolisId ?? randomUUID(),
            destinationPropolisId: randomUUID(),
            sledId: pick(sleds),
            propolisIp: "fd00::2",
          };
          const answer = await beginMigration(sql, migration);
          if (answer.outcome === "applied") migrations.push(migration);
          return answer;
        },
        unwindMigration: () =>
          migrations.length > 0 ? unwindMigration(sql, pick(recent(migrations))) : undefined,
        reportVmm: () => reportVmm(sql, aReport()),
        reportVmms: () => reportVmms(sql, [aReport(), aReport(), aReport(), aReport()]),
        failVmm: () => failVmm(sql, { ...anyVmm, reason: "no_such_vmm" }),
        failSled: () => failSled(sql, { sledId: pick(sleds), reason: "sled_off" }),
        beginUpdate: async () => {
          const answer = await beginUpdate(sql, {
            instanceId,
            sagaId,
            lease: pick(["1 hour", "1 microsecond"]),
          });
          if (answer.outcome === "applied") updates.push({ ...answer, sagaId });
          return answer;
        },
        commitUpdate: () => (updates.length > 0 ? commitUpdate(sql, pick(recent(updates))) : undefined),
        unlockUpdate: () => (updates.length > 0 ? unlockUpdate(sql, pick(recent(updates))) : undefined),
        runUpdate: () => runUpdate(sql, { instanceId, sagaId }),
        requestStop: () => requestStop(sql, { instanceId }),
        requestReboot: () => requestReboot(sql, { instanceId }),
        deleteVmm: () => deleteVmm(sql, anyVmm),
        deleteInstance: async () => {
          const answer = await deleteInstance(sql, { instanceId });
          if (answer.outcome !== "applied") return answer;
          const next = await stopped(sql, { projectId: create.projectId });
          instances.splice(
            instances.findIndex((i) => i.instanceId === instanceId),
            1,
            next,
          );
          return answer;
        },
      };
      const rare = ["failSled", "failVmm", "deleteInstance"];
      const often = [
        "beginStart",
        "beginMigration",
        "unwindMigration",
        "reportVmm",
        "reportVmm",
        "runUpdate",
        "commitUpdate",
      ] as const;
      const names = Object.keys(verbs) as (keyof typeof verbs)[];
      const verb = pick([
        ...names,
        ...names.filter((name) => !rare.includes(name)),
        ...often,
        ...often,
        ...often,
      ]);
      const answer = await verbs[verb]();
      for (const a of [answer ?? []].flat()) count(`${verb} ${"outcome" in a ? a.outcome : a.vmmOutcome}`);
    };
    const count = (what: string): void => void totals.set(what, (totals.get(what) ?? 0) + 1);

    const client = sessions.connect({ max: SESSIONS });
    const workers = Array.from({ length: SESSIONS }, async (_, n) => {
      const random = generator(seed + n);
      for (let i = 0; i < ACTS_PER_SESSION; i++)
        await act(client, (of) => of[Math.trunc(random() * of.length)] as (typeof of)[number]);
    });
    const errors = (await Promise.allSettled(workers)).filter(({ status }) => status === "rejected");
    expect({ seed, errors, breaches: await invariantViolations(sessions.sql) }).toEqual({
      seed,
      errors: [],
      breaches: [],
    });

    const done = [
      "beginStart",
      "unwindStart",
      "beginMigration",
      "reportVmm",
      "reportVmms",
      "runUpdate",
      "failSled",
    ];
    expect(done.filter((verb) => !totals.has(`${verb} applied`))).toEqual([]);
  });

  /** Numbers from 0 to 1 that follow from the seed (mulberry32). */
  function generator(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let z = Math.imul(state ^ (state >>> 15), 1 | state);
      z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
      return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
    };
  }
});
