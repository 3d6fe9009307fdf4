import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { expect, it } from "vitest";
import { apiInstance, assertCompatible, createInstance, type PostgresClient } from "../../../src/index.js";
import { unprepared } from "../../../src/client/postgres/queries.js";
import { statement } from "../../../src/client/statement.js";
import { withDatabase } from "../../support/database.js";
import { until } from "../../support/until.js";

const db = withDatabase();

const newInstance = (): Parameters<typeof createInstance>[1] & { instanceId: string } => {
  const instanceId = randomUUID();
  return { instanceId, projectId: randomUUID(), name: "web", intendedState: "running" };
};

it("postgres.js sends the values of an unprepared statement from the property in which vmstate puts them", async () => {
  const sql = db.connect({ max: 1 });
  const [row] = await unprepared(sql, statement`select ${"one"}::text || ${2}::int || ${null}::text is null`);
  expect(String(row?.[0])).toBe("t");
  const [text] = await unprepared(sql, statement`select ${"one"}::text || ${2}::int`);
  expect(String(text?.[0])).toBe("one2");
  expect(await sql.unsafe("select name from pg_prepared_statements where statement like '%one2%'")).toEqual(
    [],
  );
});

/** Makes a client of a postgres.js that does not take the values of a query from the property `parameters`. */
function withoutTheProperty(sql: postgres.ISql): PostgresClient {
  const template: PostgresClient = (strings, ...values) => sql(strings, ...values);
  const unsafe = (text: string, values: never[], options: postgres.UnsafeQueryOptions) => ({
    raw: () => {
      const query: PromiseLike<readonly ArrayLike<unknown>[]> = {
        then: (resolve, reject) => sql.unsafe(text, values, options).raw().then(resolve, reject),
      };
      return query;
    },
  });
  const { json } = sql as PostgresClient;
  return Object.assign(template, { unsafe, ...(json && { json }) });
}

it("calls prepare, and do not fail, if postgres.js does not take the values of a query from the property parameters", async () => {
  const client = withoutTheProperty(db.connect({ max: 1, prepare: false }));
  const wrong = createInstance(client, { ...newInstance(), projectId: "no uuid" });
  await expect(wrong).rejects.toMatchObject({ code: "22P02" });
  expect(await createInstance(client, newInstance())).toMatchObject({ outcome: "applied" });
});

it("a transaction fails once, and then prepares, if postgres.js does not take values from the property parameters", async () => {
  const pool = db.connect({ max: 1 });
  const create = (): Promise<unknown> =>
    pool.begin(async (tx) => await createInstance(withoutTheProperty(tx), newInstance()));
  await expect(create()).rejects.toMatchObject({ code: "08P01" });
  expect(await create()).toMatchObject({ outcome: "applied" });
});

it("a function that hands templates on to postgres.js is a client", async () => {
  const client: PostgresClient = (strings, ...values) => db.sql(strings, ...values);
  const instance = newInstance();
  await assertCompatible(client);
  expect(await createInstance(client, instance)).toMatchObject({ outcome: "applied" });
});

it("the first calls of a pool are not prepared, and the later ones are", async () => {
  const sql = db.connect({ max: 1 });
  const prepared = async (): Promise<number> =>
    (await sql.unsafe("select from pg_prepared_statements where statement like '%api_instance%'")).length;
  await apiInstance(sql, { instanceId: randomUUID() });
  expect(await prepared()).toBe(0);
  await until("the database has answered that no pooler stands between", async () => {
    await apiInstance(sql, { instanceId: randomUUID() });
    return (await prepared()) === 1;
  });
});

it("the first call in a transaction keeps its place before the statements that follow it", async () => {
  const instance = newInstance();
  const [, row] = await db
    .connect({ max: 1 })
    .begin((tx) => [
      createInstance(tx, instance),
      tx`select name from vmstate.instance where id = ${instance.instanceId}`,
    ]);
  expect(row).toEqual([{ name: "web" }]);
});
