import type postgres from "postgres";
import type { Catalog } from "./catalog.js";
import { code, GENERATED } from "./markdown.js";
import { diagramOf } from "./states/diagram.js";
import { observe } from "./states/observe.js";
import { effectiveStates, verdicts, vmmClasses } from "./states/tables.js";

/**
 * Renders `docs/states.md` from what the functions of a migrated database do.
 *
 * Nothing of it is drawn by hand.
 *
 * @param sql a superuser's
 */
export async function renderStates(sql: postgres.Sql, { enums }: Catalog): Promise<string> {
  const { edges, tried } = await observe(sql);
  const order = (type: string): string[] => enums.find(({ name }) => name === type)?.labels ?? [];
  return [
    GENERATED,
    "# States",
    `Each arrow is what a verb did when verbs were tried on instances that stood wherever one can stand: ${tried.map(code).join(", ")}. States that differ in nothing but their names share a box.`,
    "## An instance, as users see it",
    diagramOf(edges.instance, order("api_instance_state")),
    "A VMM's report may be of any state, so it leads from each of the middle states to each. `run_update` stands for `begin_update` and `commit_update`, too. What is shown derives from the instance, its active VMM, and whether it migrates:",
    await effectiveStates(sql),
    "## A VMM",
    diagramOf(edges.vmm, order("vmm_state")),
    await vmmClasses(sql),
    "## A side of a migration",
    diagramOf(edges.side, order("migration_state")),
    "## A migration as a whole",
    diagramOf(edges.migration, order("migration_verdict")),
    "`void`: the active VMM is unwound, or no part of the migration. Else the verdict follows from the two sides and from which VMMs live:",
    await verdicts(sql),
    "",
  ].join("\n\n");
}
