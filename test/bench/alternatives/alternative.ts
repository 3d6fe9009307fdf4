import type { ReportVmmArguments } from "../../../src/index.js";

/** A schema that has the three tables: vmstate's own, or their copies without triggers and functions. */
export type Schema = "vmstate" | "bench_plain";

export interface VmmKey {
  instanceId: string;
  propolisId: string;
}

/** What a sled agent says of a VMM, and perhaps of its side of a migration. */
export interface Report extends VmmKey, Pick<ReportVmmArguments, "state" | "generation"> {
  time: Date;
  side?: MigrationSide;
}

export interface MigrationSide {
  direction: "in" | "out";
  migrationId: string;
  state: "in_progress" | "completed";
  generation: number;
}

export interface ReportAnswer {
  applied: boolean;
  /** The VMM's. */
  generation: number;
}

export interface Start extends VmmKey {
  sagaId: string;
  sledId: string;
}

export interface Migration {
  instanceId: string;
  sagaId: string;
  migrationId: string;
  sourcePropolisId: string;
  destinationPropolisId: string;
  sledId: string;
}

/** The verbs of a VMM's life. Each rejects unless it was applied. */
export interface Lifecycle {
  start: (a: Start) => Promise<void>;
  unwindStart: (a: Start) => Promise<void>;
  stop: (instanceId: string) => Promise<void>;
  /** What the update saga does. */
  update: (instanceId: string) => Promise<void>;
  deleteVmm: (key: VmmKey) => Promise<void>;
  beginMigration: (a: Migration) => Promise<void>;
  /** The last report of a VMM, the update and the deletion in one call, where the alternative has such a call. */
  settle?: (report: Report, sagaId: string) => Promise<void>;
}

export interface ListedInstance {
  id: string;
  state: string;
}

/** One way to do the jobs. A job that the alternative does not offer is not measured for it. */
export interface Alternative {
  name: string;
  schema: Schema;
  report: (report: Report) => Promise<ReportAnswer>;
  /** Different VMMs, one transaction; how many were applied. */
  reports?: (reports: readonly Report[]) => Promise<number>;
  lifecycle?: Lifecycle;
  /** By name, in the state that the user sees. */
  listProject?: (projectId: string) => Promise<ListedInstance[]>;
}

export const PORT = 12400;
export const IP = "fd00::1";
