import type postgres from "postgres";
import { code, table } from "../markdown.js";

/** Tabulates what the user sees, by the two rows that decide it. */
export async function effectiveStates(sql: postgres.Sql): Promise<string> {
  const rows = await sql<{ state: string; active: string | null; alone: string; migrating: string }[]>`
    select s::text as state, v::text as active,
      vmstate.effective_instance_state(s, v, false)::text as alone,
      vmstate.effective_instance_state(s, v, true)::text as migrating
    from unnest(enum_range(null::vmstate.instance_state)) as s
      left join unnest(enum_range(null::vmstate.vmm_state)) as v on s = 'vmm'
    order by s, v`;
  return table(
    ["`instance.state`", "active VMM", "shown", "shown while it migrates"],
    rows.map(({ state, active, alone, migrating }) => [
      code(state),
      active === null ? "" : code(active),
      code(alone),
      active === null ? "" : code(migrating),
    ]),
  );
}

/** Tabulates what the rules say of a VMM in each state. */
export async function vmmClasses(sql: postgres.Sql): Promise<string> {
  const rows = await sql<
    { state: string; shown: string; reported: boolean; onSled: boolean; watched: boolean; dead: boolean }[]
  >`
    select v::text as state, vmstate.to_api_vmm_state(v)::text as shown,
      v::text = any (enum_range(null::vmstate.reported_vmm_state)::text[]) as reported,
      vmstate.is_on_sled(v) as "onSled", vmstate.is_watched(v) as watched, vmstate.is_absorbing(v) as dead
    from unnest(enum_range(null::vmstate.vmm_state)) as v order by v`;
  const tick = (is: boolean): string => (is ? "yes" : "");
  return table(
    ["`vmm.state`", "shown", "a sled agent can report it", "on a sled", "watched", "dead"],
    rows.map(({ state, shown, reported, onSled, watched, dead }) => [
      code(state),
      code(shown),
      tick(reported),
      tick(onSled),
      tick(watched),
      tick(dead),
    ]),
  );
}

/**
 * Tabulates what a migration amounts to.
 *
 * Its two sides decide, and whether its VMMs live.
 */
export async function verdicts(sql: postgres.Sql): Promise<string> {
  const rows = await sql<{ source: string; destination: string; verdicts: string[] }[]>`
    select s::text as source, d::text as destination,
      array_agg(vmstate.migration_verdict(a.state, true, t.state, s, d)::text order by a.n, t.n) as verdicts
    from unnest(enum_range(null::vmstate.migration_state)) as s,
      unnest(enum_range(null::vmstate.migration_state)) as d,
      (values (1, 'running'::vmstate.vmm_state), (2, 'destroyed')) as a (n, state),
      (values (1, 'running'::vmstate.vmm_state), (2, 'destroyed')) as t (n, state)
    group by s, d order by s, d`;
  return table(
    ["source", "destination", "both VMMs live", "destination dead", "active dead", "both dead"],
    rows.map(({ source, destination, verdicts }) => [source, destination, ...verdicts].map(code)),
  );
}
