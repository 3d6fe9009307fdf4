import type { ISql, Sql } from "postgres";
import type { Caller } from "./site.js";

/** What a call reads of the tables. */
export interface Reads {
  /** Tables that it reads from end to end. */
  scanned: string[];
  /** Rows and index entries. */
  entries: number;
}

/** Counts what calls read, each in a transaction of its own. */
export class ReadCounter implements Caller {
  /** By what was called, the most that any of its calls read. */
  readonly reads = new Map<string, Reads>();

  constructor(readonly sql: Sql) {}

  isSpent(): boolean {
    return false;
  }

  async call<Answer>(what: string, act: (sql: ISql) => Promise<Answer>): Promise<Answer> {
    return (await this.sql.begin(async (transaction) => {
      // the session's counters reach back to their last flush, and there is none within a transaction
      const before = await countersOf(transaction);
      const answer = await act(transaction);
      this.#add(what, before, await countersOf(transaction));
      return answer;
    })) as Answer;
  }

  #add(what: string, before: Counters, after: Counters): void {
    const { scanned, entries } = this.reads.get(what) ?? { scanned: [], entries: 0 };
    const rose = [...after.scans].filter(([table, scans]) => scans > (before.scans.get(table) ?? 0));
    this.reads.set(what, {
      scanned: [...new Set([...scanned, ...rose.map(([table]) => table)])].sort(),
      entries: Math.max(entries, after.entries - before.entries),
    });
  }
}

interface Counters {
  /** From end to end, by table. */
  scans: Map<string, number>;
  entries: number;
}

async function countersOf(transaction: ISql): Promise<Counters> {
  const rows = await transaction<{ name: string; kind: "r" | "i"; scans: number; entries: number }[]>`
    select relname as name, relkind as kind, pg_stat_get_xact_numscans(oid)::float8 as scans,
      (pg_stat_get_xact_tuples_returned(oid)
        + case relkind when 'r' then pg_stat_get_xact_tuples_fetched(oid) else 0 end)::float8 as entries
    from pg_class where relnamespace = 'vmstate'::regnamespace and relkind in ('r', 'i')`;
  const tables = rows.filter(({ kind }) => kind === "r");
  return {
    scans: new Map(tables.map(({ name, scans }) => [name, scans])),
    entries: rows.reduce((sum, { entries }) => sum + entries, 0),
  };
}
