import { sql as drizzleSql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { CompiledQuery, Kysely, PostgresDialect } from "kysely";
import { fromDrizzle, fromKysely, fromPg, reportVmm, type SqlClient } from "../../../src/index.js";
import { next } from "../fleet.js";
import { type Entry, speedRatio } from "../measure.js";
import { type Case, checkFleets, runCase, type Stage } from "./case.js";

type Report = ReturnType<typeof next>;

/** A client, and a query of its own that calls the same function with the same parameters. */
interface Client {
  sql: SqlClient;
  bare: (report: Report) => PromiseLike<unknown>;
}

const TEXT =
  "select pg_catalog.to_json(vmstate.report_vmm($1, $2, $3, $4, $5::pg_catalog.text::pg_catalog.timestamptz))::pg_catalog.text";

function parametersOf({ instanceId, propolisId, state, generation, time }: Report): string[] {
  return [instanceId, propolisId, state, String(generation), new Date(time).toISOString()];
}

function clientsOf({ narrow: { sql, pool, dataSource } }: Stage): Record<string, Client> {
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const onPg = drizzle({ client: pool });
  return {
    "postgres.js": {
      sql,
      bare: ({ instanceId, propolisId, state, generation, time }) => sql`
        select pg_catalog.to_json(vmstate.report_vmm(${instanceId}, ${propolisId}, ${state}, ${generation},
          ${new Date(time).toISOString()}::pg_catalog.text::pg_catalog.timestamptz))::pg_catalog.text`,
    },
    pg: { sql: fromPg(pool), bare: (report) => pool.query(TEXT, parametersOf(report)) },
    Kysely: {
      sql: fromKysely(kysely),
      bare: (report) => kysely.executeQuery(CompiledQuery.raw(TEXT, parametersOf(report))),
    },
    Drizzle: {
      sql: fromDrizzle(onPg),
      bare: ({ instanceId, propolisId, state, generation, time }) =>
        onPg.execute(drizzleSql`
          select pg_catalog.to_json(vmstate.report_vmm(${instanceId}, ${propolisId}, ${state}, ${generation},
            ${new Date(time).toISOString()}::pg_catalog.text::pg_catalog.timestamptz))::pg_catalog.text`),
    },
    TypeORM: {
      sql: dataSource.manager,
      bare: (report) => dataSource.query(TEXT, parametersOf(report)),
    },
  };
}

/** The names of those whose calls are compared with their own bare queries. */
export const ADAPTERS = ["postgres.js", "pg", "Kysely", "Drizzle", "TypeORM"] as const;

export function bareOf(adapter: string): string {
  return `${adapter}, bare query`;
}

/** A report by `reportVmm` through each client, and by a query that the service writes itself. */
export const adapters: Case = async (stage) => {
  const fleet = stage.fleets.vmstate;
  const entries = Object.entries(clientsOf(stage)).flatMap(([name, { sql, bare }]): Entry[] => [
    { name, size: 1, call: () => reportVmm(sql, fleet.health()) },
    { name: bareOf(name), size: 1, call: async () => await bare(fleet.health()) },
  ]);
  const raced = await runCase(stage, {
    id: "adapters",
    title: "A report through each client, and by a bare query of the client",
    unit: "reports",
    base: null,
    rounds: 500,
    entries,
    check: () => checkFleets(stage),
  });
  for (const timed of raced.timed) {
    const bare = raced.timed.find(({ name }) => name === bareOf(timed.name));
    if (bare === undefined) continue;
    raced.counts.set(timed.name, { "/ bare": speedRatio(timed, bare, stage.random).median });
  }
  return raced;
};
