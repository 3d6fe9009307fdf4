import type { ReportedVmmState } from "../../../src/index.js";

/** The bound of an exploration: which actors take part, and what they may report. */
export interface Bound {
  /** Start sagas, each with a VMM of its own. */
  starts: number;
  /** Migrate sagas, each with a VMM and a migration of its own. */
  migrations: number;
  /** The states that sled agents report. */
  reports: readonly ReportedVmmState[];
  /** Whether the owner also types statements in psql. */
  psql: boolean;
  /** Whether time also goes by: guests run for long, starts loop, cooldowns elapse, deleted rows grow old and are purged. */
  ages: boolean;
}

/** The part that one saga plays in an exploration: the ids of the saga and of the VMM that it may create. */
export interface Part {
  /** `start1`, `migration2`: the saga and its VMM go by this name. */
  name: string;
  propolis: string;
  saga: string;
  sled: string;
  /** The id of the migration; undefined for a start. */
  migration?: string;
}

export const UPDATERS = ["updater1", "updater2"] as const;
export type Updater = (typeof UPDATERS)[number];

export const INSTANCE = uuid(0x10, 1);
export const PROJECT = uuid(0x11, 1);
/** The id of a saga, sled or VMM that belongs to no part. */
export const STRANGER = uuid(0x12, 1);

const UPDATER_SAGA: Record<Updater, string> = { updater1: uuid(0x13, 1), updater2: uuid(0x13, 2) };

export const sagaOf = (updater: Updater): string => UPDATER_SAGA[updater];

export function starts({ starts: count }: Bound): Part[] {
  return numbered(count).map((n) => ({
    name: `start${n}`,
    propolis: uuid(0xa0, n),
    saga: uuid(0xa1, n),
    sled: uuid(0xa2, n),
  }));
}

export function migrations({ migrations: count }: Bound): Required<Part>[] {
  return numbered(count).map((n) => ({
    name: `migration${n}`,
    propolis: uuid(0xb0, n),
    saga: uuid(0xb1, n),
    sled: uuid(0xb2, n),
    migration: uuid(0xb3, n),
  }));
}

function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** Makes an id that a reader can tell from others. */
function uuid(kind: number, n: number): string {
  return `${kind.toString(16).padStart(8, "0")}-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;
}
