import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import {
  beginMigration,
  beginStart,
  beginUpdate,
  breakUpdate,
  commitUpdate,
  configureInstance,
  createInstance,
  deleteInstance,
  deleteVmm,
  explainUpdate,
  failSled,
  failSledVmms,
  failVmm,
  finishInstanceCreation,
  inheritUpdate,
  invariantViolations,
  purge,
  renameInstance,
  reporter,
  reportSled,
  reportVmm,
  reportVmms,
  requestStop,
  runUpdate,
  settle,
  sledDigest,
  type SledVmm,
  unlockUpdate,
  unwindMigration,
  unwindStart,
  watchedVmms,
  type BeginMigrationArguments,
  type CommitUpdateArguments,
  type PurgeResult,
  type ReportedVmmState,
  type ReportVmmArguments,
  type ReportVmmResult,
} from "../../../src/index.js";
import { expectEveryVerb } from "../../support/every-verb.js";
import { asJson } from "../../support/called-verb.js";
import { makeDeletedRowsOld } from "../../support/deleted-rows.js";
import { plainCall, PLAIN_FUNCTIONS, type PlainFunction } from "../../support/plain-calls.js";
import { snakeCase } from "../../support/verbs.js";
import { running, stopped } from "../scenario.js";
import { newSessions } from "./sessions.js";

const sessions = newSessions();

describe("eight sessions that call random verbs on three instances", () => {
  const SESSIONS = 8;
  const ACTS_PER_SESSION = 400;
  const MOST_ACTS_PER_SESSION = 20 * ACTS_PER_SESSION;
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
    const called = new Set<string>();
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
      const plain = PLAIN_FUNCTIONS.map((name) => [name, () => plainCall(name, instanceId)(sql)] as const);
      const verbs = {
        ...(Object.fromEntries(plain) as Record<PlainFunction, () => Promise<{ outcome: string }>>),
        createInstance: () => createInstance(sql, create),
        finishInstanceCreation: () => finishInstanceCreation(sql, { instanceId: instanceId }),
        configureInstance: () =>
          configureInstance(sql, { instanceId, autoRestartPolicy: pick([null, "never"]) }),
        renameInstance: () => renameInstance(sql, { instanceId, name: pick([create.name, "a", "b"]) }),
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
        reportVmms: () => reportVmms(sql, [aReport(), aReport(), aReport(), aReport()].map(asJson)),
        reportVmmBatch: () => reportVmms(sql, [aReport(), aReport(), aReport(), aReport()].map(withoutSides)),
        reporter: () => Promise.all([aReport(), aReport(), aReport(), aReport()].map(gather)),
        failVmm: () => failVmm(sql, { ...anyVmm, reason: "no_such_vmm" }),
        failSled: () => failSled(sql, { sledId: pick(sleds), reason: "sled_off" }),
        reportSled: async () => {
          const sledId = pick(sleds);
          const vmms = (await watchedVmms(sql)).filter((vmm) => vmm.sledId === sledId);
          return await reportSled(sql, { sledId, ...(await sledDigest(vmms as SledVmm[])) });
        },
        failSledVmms: () => {
          const propolisIds = recent(starts).map(({ propolisId }) => propolisId);
          return failSledVmms(sql, { sledId: pick(sleds), propolisIds, reason: "sled_off" });
        },
        beginUpdate: async () => {
          const answer = await beginUpdate(sql, {
            instanceId,
            sagaId,
            lease: pick(["1 hour", "1 microsecond"]),
          });
          if (answer.outcome === "applied") updates.push({ ...answer, sagaId });
          return answer;
        },
        inheritUpdate: async () => {
          if (updates.length === 0) return undefined;
          const { sagaId: parentSagaId, ...parent } = pick(recent(updates));
          const answer = await inheritUpdate(sql, { ...parent, parentSagaId, sagaId, lease: "1 hour" });
          if (answer.outcome === "applied") updates.push({ ...answer, sagaId });
          return answer;
        },
        breakUpdate: async () => {
          const { updaterGeneration } = await explainUpdate(sql, { instanceId });
          if (updaterGeneration === null) return undefined;
          return await breakUpdate(sql, { instanceId, updaterGeneration, reason: "the saga is dead" });
        },
        commitUpdate: () => (updates.length > 0 ? commitUpdate(sql, pick(recent(updates))) : undefined),
        unlockUpdate: () => (updates.length > 0 ? unlockUpdate(sql, pick(recent(updates))) : undefined),
        runUpdate: () => runUpdate(sql, { instanceId, sagaId }),
        requestStop: () => requestStop(sql, { instanceId }),
        deleteVmm: () => deleteVmm(sql, anyVmm),
        settle: async () => {
          const { instanceId, propolisId, generation, time } = aReport();
          const state = pick(["failed", "destroyed", "stopping"] as const);
          const answer = await settle(sql, { instanceId, propolisId, sagaId, state, generation, time });
          return { outcome: answer.updateOutcome ?? answer.vmmOutcome };
        },
        deleteInstance: async () => {
          const answer = await deleteInstance(sql, { instanceId });
          if (answer.outcome !== "applied") return answer;
          // A late create_instance may make a purged instance once more, with the name that it had.
          const next = await stopped(sql, { projectId: create.projectId, name: randomUUID() });
          instances.splice(
            instances.findIndex((i) => i.instanceId === instanceId),
            1,
            next,
          );
          return answer;
        },
        purge: async () => {
          await makeDeletedRowsOld(sql);
          return await purge(sql, { before: new Date(Date.now() - 7_200_000), limit: 20 });
        },
      };
      const rare = ["failSled", "failSledVmms", "failVmm", "deleteInstance"];
      const often = [
        "beginStart",
        "beginMigration",
        "unwindMigration",
        "reportVmm",
        "reportVmm",
        "reporter",
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
      if (answer !== undefined) called.add(snakeCase(verb));
      for (const a of [answer ?? []].flat()) count(`${verb} ${outcomeOf(a)}`);
    };
    const outcomeOf = (a: { outcome: string } | { vmmOutcome: string } | PurgeResult): string => {
      if ("outcome" in a) return a.outcome;
      if ("vmmOutcome" in a) return a.vmmOutcome;
      return a.migrations + a.vmms + a.instances > 0 ? "applied" : "unchanged";
    };
    const count = (what: string): void => void totals.set(what, (totals.get(what) ?? 0) + 1);

    const client = sessions.connect({ max: SESSIONS });
    const gathered = reporter(client, { maxBatch: 6, maxQueue: 8 });
    /** By VMM, in the order of the calls. */
    const verdicts = new Map<string, Promise<ReportVmmResult>[]>();
    const gather = (report: ReportVmmArguments): Promise<ReportVmmResult> => {
      const verdict = gathered.report(report);
      verdicts.set(report.propolisId, [...(verdicts.get(report.propolisId) ?? []), verdict]);
      return verdict;
    };
    const done = [
      "beginStart",
      "unwindStart",
      "beginMigration",
      "reportVmm",
      "reportVmms",
      "reportVmmBatch",
      "reporter",
      "runUpdate",
      "settle",
      "reportSled",
      "failSled",
      "renameInstance",
      "breakUpdate",
      "purge",
    ];
    const missing = (): string[] => done.filter((verb) => !totals.has(`${verb} applied`));
    const workers = Array.from({ length: SESSIONS }, async (_, n) => {
      const random = generator(seed + n);
      // What is rare takes longer with some seeds.
      for (let i = 0; i < ACTS_PER_SESSION || (missing().length > 0 && i < MOST_ACTS_PER_SESSION); i++)
        await act(client, (of) => of[Math.trunc(random() * of.length)] as (typeof of)[number]);
    });
    const errors = (await Promise.allSettled(workers)).filter(({ status }) => status === "rejected");
    await gathered.close();
    for (const ofVmm of verdicts.values()) expectOrder(await Promise.all(ofVmm));
    expect({ seed, errors, breaches: await invariantViolations(sessions.sql) }).toEqual({
      seed,
      errors: [],
      breaches: [],
    });

    expect(missing()).toEqual([]);
    await expectEveryVerb(sessions.sql, "test/sql/interleavings/stress.test.ts", called);
  });

  function withoutSides(report: ReportVmmArguments): ReportVmmArguments {
    const { instanceId, propolisId, state, generation, time } = report;
    return { instanceId, propolisId, state, generation, time };
  }

  /** No later report of a VMM was judged by an older row than an earlier one; a purged VMM has no row. */
  function expectOrder(ofVmm: readonly ReportVmmResult[]): void {
    const generations = ofVmm.flatMap(({ stateGeneration }) => stateGeneration ?? []);
    expect(generations).toEqual(generations.toSorted((a, b) => a - b));
  }

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
