import { readdirSync } from "node:fs";
import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import { withDatabase } from "../support/database.js";
import {
  type Answered,
  createEveryCase,
  functionAnswers,
  plantEveryCase,
  viewAnswers,
} from "./every-case.js";
import {
  afterPlan,
  alive,
  asRowsSay,
  effectiveState,
  type Input,
  type Plan,
  planOf,
  stateOf,
  type Topology,
  type Vmm,
} from "./model.js";

const CASES = 4 * 4 + 4 * 10 * 2 * (1 + 2 * 10 * 2 * 4 * 4 + 4 * 4);
const ID = "00000000-0000-4000-8000-000000000000";

const db = withDatabase();
let answered: Answered[];
beforeAll(async () => {
  await createEveryCase(db.sql);
  answered = await functionAnswers(db.sql);
});

/** The first rows that differ from what is expected, each with what is expected. */
function differences<T>(
  rows: readonly T[],
  expected: (row: T) => unknown,
  actual: (row: T) => unknown,
): unknown[] {
  return rows
    .filter((row) => JSON.stringify(expected(row)) !== JSON.stringify(actual(row)))
    .slice(0, 3)
    .map((row) => ({ row, expected: expected(row), actual: actual(row) }));
}

describe("update_plan", () => {
  it("equals the decision tables for every input", () => {
    expect(answered).toHaveLength(CASES);
    expect(
      differences(
        answered,
        ({ input }) => planOf(input),
        ({ plan }) => plan,
      ),
    ).toEqual([]);
  });

  it("is shown by instance_plan for the rows of every input", async () => {
    await plantEveryCase(db.sql);
    const shown = await viewAnswers(db.sql);
    expect(shown).toHaveLength(CASES);
    expect(
      differences(
        shown,
        ({ input }) => [planOf(asRowsSay(input)), effectiveState(input)],
        ({ plan, apiState }) => [plan, apiState],
      ),
    ).toEqual([]);
  });

  /** The first few answers that break the rule. */
  const breaches = (holds: (input: Input, plan: Plan) => boolean): Answered[] =>
    answered.filter(({ input, plan }) => !holds(input, plan)).slice(0, 3);

  it("leads to a state that needs no further plan", () => {
    const needed = new Map(answered.map(({ input, plan }) => [JSON.stringify(input), plan.needed]));
    const next = (input: Input, plan: Plan): boolean | undefined =>
      needed.get(JSON.stringify(afterPlan(input, plan)));
    expect(breaches((input, plan) => next(input, plan) === false)).toEqual([]);
  });

  it("leaves no VMM alive except the active, the destination, a terminated one and the source of a completed migration", () => {
    expect(
      breaches((input, { active, destination, terminate, verdict, unlinked }) => {
        const accounted = new Set<Vmm | null>([active, destination, ...terminate]);
        if (["completed", "handed_over"].includes(verdict) && unlinked.includes("A")) accounted.add("A");
        const vmms: Vmm[] = input.topology === "destination" ? ["A"] : ["A", "T"];
        return vmms.every((vmm) => accounted.has(vmm) || !alive(stateOf(input, vmm)));
      }),
    ).toEqual([]);
  });

  it("terminates only VMMs that it unlinks and that are alive", () => {
    expect(
      breaches((input, { unlinked, terminate }) =>
        terminate.every((vmm) => unlinked.includes(vmm) && alive(stateOf(input, vmm))),
      ),
    ).toEqual([]);
  });

  it("makes no dead VMM active; a dead active VMM stays while the migration is in progress", () => {
    expect(
      breaches(
        (input, { active, verdict }) =>
          active === null || alive(stateOf(input, active)) || verdict === "in_progress",
      ),
    ).toEqual([]);
  });

  describe("treats saga_unwound as destroyed", () => {
    const plans = (): Map<string, Plan> =>
      new Map(answered.map(({ input, plan }) => [JSON.stringify(input), plan]));
    const twins = (isCase: (input: Input) => boolean, unwound: Partial<Input>): unknown[] => {
      const of = plans();
      const cases = answered.filter(({ input }) => isCase(input));
      expect(cases.length).toBeGreaterThan(0);
      // The intent tells them apart: a guest that shut down was destroyed, not unwound.
      return differences(
        cases,
        ({ plan }) => ({ ...plan, intent: null }),
        ({ input }) => ({ ...of.get(JSON.stringify({ ...input, ...unwound })), intent: null }),
      );
    };

    it("as destination, except for the intent", () => {
      expect(
        twins(({ t, topology }) => t === "destroyed" && topology !== "destination", { t: "saga_unwound" }),
      ).toEqual([]);
    });

    it("as active VMM without a migration, except for the intent", () => {
      expect(
        twins(({ a, topology }) => a === "destroyed" && topology === "none", { a: "saga_unwound" }),
      ).toEqual([]);
    });

    it("except that an active one voids its migration: all ids are cleared, the destination is terminated", () => {
      const rows = answered.filter(({ input }) => input.a === "saga_unwound" && input.topology === "source");
      expect(
        differences(
          rows,
          ({ input: { t } }) => ["void", null, null, "no_vmm", ["A", "T"], alive(t) ? ["T"] : []],
          ({ plan: p }) => [p.verdict, p.active, p.destination, p.state, p.unlinked, p.terminate],
        ),
      ).toEqual([]);
    });
  });
});

describe("effective_instance_state", () => {
  it("equals the decision table for every active VMM, migration and destination", async () => {
    const rows = await db.sql<(Pick<Input, "state" | "topology" | "a" | "t"> & { answer: string | null })[]>`
      with vmm (state) as (select unnest(enum_range(null::vmstate.vmm_state)) union all select null),
      topology (name, source, destination) as (values
        ('none', null, null), ('source', 1, 2), ('destination', 2, 1), ('neither', 2, 3))
      select i as state, g.name as topology, a.state as a, t.state as t,
          vmstate.effective_instance_state(i, a.state, vmstate.is_migrating(
            lpad('1', 32, '0')::uuid, lpad(g.source::text, 32, '0')::uuid, lpad(g.destination::text, 32, '0')::uuid, t.state
          )) as answer
        from unnest(enum_range(null::vmstate.instance_state)) as i, topology as g, vmm as a, vmm as t
        where (g.name = 'none') = (t.state is null) and (g.name <> 'destination' or a.state = t.state)`;
    const topologies: Record<Topology, number> = {
      none: 11,
      source: 11 * 10,
      destination: 10,
      neither: 11 * 10,
    };
    expect(rows).toHaveLength(5 * Object.values(topologies).reduce((sum, count) => sum + count));
    const input = { intent: "running", aStarted: null, tStarted: null, s: null, d: null } as const;
    expect(
      differences(
        rows,
        (row) => effectiveState({ ...input, ...row }),
        ({ answer }) => answer,
      ),
    ).toEqual([]);
  });
});

describe("classes", () => {
  const labels = async (type: string, columns: postgres.PendingQuery<postgres.Row[]>): Promise<unknown[]> =>
    (await db.sql`select ${columns} from unnest(enum_range(null::${db.sql(type)})) as s`.values()).map(
      String,
    );

  it("is_absorbing, is_on_sled, is_watched and to_api_vmm_state classify every state of a VMM", async () => {
    const { sql } = db;
    expect(
      await labels(
        "vmstate.vmm_state",
        sql`s, vmstate.is_absorbing(s), vmstate.is_on_sled(s), vmstate.is_watched(s), vmstate.to_api_vmm_state(s)`,
      ),
    ).toEqual([
      "creating,false,false,false,creating",
      "starting,false,true,true,starting",
      "running,false,true,true,running",
      "stopping,false,true,true,stopping",
      "stopped,false,true,true,stopped",
      "rebooting,false,true,true,rebooting",
      "migrating,false,true,true,migrating",
      "failed,true,true,false,failed",
      "destroyed,true,false,false,destroyed",
      "saga_unwound,true,false,false,destroyed",
    ]);
  });

  it("from_report keeps each state that a sled agent may report: not creating, not saga_unwound", async () => {
    expect(await labels("vmstate.reported_vmm_state", db.sql`vmstate.from_report(s)`)).toEqual([
      "starting",
      "running",
      "stopping",
      "stopped",
      "rebooting",
      "migrating",
      "failed",
      "destroyed",
    ]);
  });

  it("is_terminal classifies every state of a migration's side", async () => {
    expect(await labels("vmstate.migration_state", db.sql`s, vmstate.is_terminal(s)`)).toEqual([
      "pending,false",
      "in_progress,false",
      "failed,true",
      "completed,true",
    ]);
  });
});

describe("the outcome of a report", () => {
  it("is, for a VMM: not_found, gone, terminal at any generation, stale, applied, in this order", async () => {
    const rows = await db.sql<{ state: string | null; deleted: boolean; step: number; answer: string }[]>`
      select s as state, d as deleted, g as step,
          vmstate.vmm_report_outcome(s, case when s is not null then 5 end, case when d then now() end, 5 + g) as answer
        from (select unnest(enum_range(null::vmstate.vmm_state)) union all select null) as s (s),
          (values (true), (false)) as d (d), generate_series(-1, 1) as g`;
    expect(rows).toHaveLength(11 * 2 * 3);
    expect(
      differences(
        rows,
        ({ state, deleted, step }) => {
          if (state === null) return "not_found";
          if (deleted) return "gone";
          if (["failed", "destroyed", "saga_unwound"].includes(state)) return "terminal";
          return step > 0 ? "applied" : "stale";
        },
        ({ answer }) => answer,
      ),
    ).toEqual([]);
  });

  it("is, for a migration: not_found, gone, wrong_side, stale, terminal, applied, in this order", async () => {
    const rows = await db.sql<
      { side: number | null; state: string; deleted: boolean; step: number; answer: string }[]
    >`
      select v as side, s as state, d as deleted, g as step,
          vmstate.migration_report_outcome(lpad('1', 32, '0')::uuid, lpad(v::text, 32, '0')::uuid, s, 5,
            case when d then now() end, 5 + g) as answer
        from unnest(array[null, 1, 2]) as v, unnest(enum_range(null::vmstate.migration_state)) as s,
          (values (true), (false)) as d (d), generate_series(-1, 1) as g`;
    expect(rows).toHaveLength(3 * 4 * 2 * 3);
    expect(
      differences(
        rows,
        ({ side, state, deleted, step }) => {
          if (side === null) return "not_found";
          if (deleted) return "gone";
          if (side === 2) return "wrong_side";
          if (step <= 0) return "stale";
          return ["failed", "completed"].includes(state) ? "terminal" : "applied";
        },
        ({ answer }) => answer,
      ),
    ).toEqual([]);
  });
});

describe("may_auto_restart", () => {
  it("is true only if no VMM blocks a start, the intent is running, the policy allows it, the cooldown is over and no saga holds the lock", async () => {
    const rows = await db.sql<
      {
        state: string;
        a: string | null;
        intent: string;
        policy: string | null;
        cooldown: number | null;
        last: number | null;
        lease: number | null;
        answer: boolean;
      }[]
    >`
      select i as state, a.state as a, intent, policy, cooldown, last, lease,
          vmstate.may_auto_restart(i, a.state, intent, policy, make_interval(secs => cooldown),
            now() - make_interval(secs => last), now() + make_interval(secs => lease), now()) as answer
        from unnest(enum_range(null::vmstate.instance_state)) as i,
          (select unnest(enum_range(null::vmstate.vmm_state)) union all select null) as a (state),
          unnest(enum_range(null::vmstate.intended_state)) as intent,
          unnest(array[null, 'never', 'best_effort']::vmstate.auto_restart_policy[]) as policy,
          unnest(array[null, 0, 60]) as cooldown,
          unnest(array[null, 0, 59, 60, 299, 300]) as last,
          unnest(array[null, -1, 0, 1]) as lease
        where (i = 'vmm') = (a.state is not null)`;
    expect(rows).toHaveLength((4 + 10) * 4 * 3 * 3 * 6 * 4);
    expect(
      differences(
        rows,
        ({ state, a, intent, policy, cooldown, last, lease }) =>
          (state === "no_vmm" || state === "failed" || a === "saga_unwound") &&
          intent === "running" &&
          policy !== "never" &&
          (last === null || last >= (cooldown ?? 300)) &&
          (lease === null || lease <= 0),
        ({ answer }) => answer,
      ),
    ).toEqual([]);
  });
});

describe("can_unwind", () => {
  it("is false for a VMM that is unwound, or dead and unlinked", async () => {
    const rows = await db.sql<{ state: string; linked: boolean; answer: boolean }[]>`
      select s as state, l as linked, vmstate.can_unwind(jsonb_populate_record(null::vmstate.vmm,
          jsonb_build_object('state', s, 'time_unlinked', case when not l then now() end))) as answer
        from unnest(enum_range(null::vmstate.vmm_state)) as s, unnest(array[true, false]) as l`;
    expect(rows).toHaveLength(20);
    const refused = ["failed", "destroyed"];
    expect(
      differences(
        rows,
        ({ state, linked }) => state !== "saga_unwound" && (linked || !refused.includes(state)),
        ({ answer }) => answer,
      ),
    ).toEqual([]);
  });
});

describe("plan_token", () => {
  it("differs with the generation, each id, each unlinked and each terminated VMM only", async () => {
    const tokens = await db.sql<{ token: string }[]>`
      select vmstate.plan_token(g, a, d, m, u, t) as token
        from unnest(array[1, 12]) as g,
          unnest(array[null, ${ID}]::uuid[]) as a, unnest(array[null, ${ID}]::uuid[]) as d, unnest(array[null, ${ID}]::uuid[]) as m,
          (values ('{}'::uuid[]), (array[${ID}]::uuid[])) as u (u), (values ('{}'::uuid[]), (array[${ID}]::uuid[])) as t (t),
          generate_series(1, 2)`;
    expect(tokens).toHaveLength(2 * 2 ** 5 * 2);
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(2 * 2 ** 5);
    expect(tokens.every(({ token }) => /^(1|12)\.[0-9a-f]+$/.test(token))).toBe(true);
  });
});

describe("each rule", () => {
  const names = readdirSync(new URL("../../sql/rules", import.meta.url)).map((file) =>
    file.replace(/\.sql$/, ""),
  );

  it.each(names)("%s is inlined: its plan calls no function of the schema", async (name) => {
    const [f] = await db.sql<{ parameters: string[]; types: string[]; isTable: boolean }[]>`
      select array(select 'c' || n from generate_series(1, pronargs) as n) as parameters,
          array(select format('c%s %s', n, format_type(t, null)) from unnest(proargtypes) with ordinality as p (t, n)) as types,
          proretset as "isTable"
        from pg_proc where pronamespace = 'vmstate'::regnamespace and proname = ${name}`;
    if (f === undefined) throw new Error(`no function ${name}`);
    const call = `vmstate.${name}(${f.parameters.join()})`;
    const query = f.isTable
      ? `select r.* from argument cross join lateral ${call} as r`
      : `select ${call} from argument`;
    await db.sql.begin(async (sql) => {
      await sql.unsafe(`create temp table argument (${f.types.join()}) on commit drop`);
      const lines = await sql.unsafe(`explain (verbose, costs off) ${query}`).values();
      const plan = lines.join("\n");
      expect(plan).toContain("Output:");
      expect(plan).not.toMatch(/vmstate\.\w+\(/);
    });
  });
});
