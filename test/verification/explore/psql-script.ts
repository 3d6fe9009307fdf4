import { COOLDOWN } from "./ages.js";
import { INSTANCE, PROJECT } from "./actors.js";
import type { Step } from "./steps.js";

/** Writes the way to a failure as a script for psql, to be run on a database that has the schema and no row. */
export function psqlScript(path: readonly Step[]): string {
  return [
    `SELECT * FROM vmstate.create_instance('${INSTANCE}', '${PROJECT}', 'web', 'running', NULL, '${COOLDOWN}');`,
    ...path.map(statement),
    "SELECT * FROM vmstate.instance;",
    "SELECT * FROM vmstate.vmm;",
    "SELECT * FROM vmstate.migration;",
    "SELECT * FROM vmstate.invariant_violation;",
  ].join("\n");
}

/** What an updater was told stays in psql's variables. */
function statement({ sql, remembers, unguarded }: Step): string {
  if (unguarded)
    return `SET session_replication_role = replica;\n${sql};\nSET session_replication_role = origin;`;
  const text = sql.replaceAll(/\{(\w+)\.(generation|token)\}/g, (_, updater: string, what: string) =>
    what === "generation" ? `:${updater}_updater_generation` : `:'${updater}_plan_token'`,
  );
  if (!text.startsWith("vmstate.")) return `${text};`;
  return remembers === undefined ? `SELECT * FROM ${text};` : `SELECT * FROM ${text} \\gset ${remembers}_`;
}
