// A program of its own, because postgres.js 3.4.9 throws outside of every promise when a transaction loses its connection.
import process from "node:process";
import postgres from "postgres";
import { requestStop } from "../../../src/index.js";
import { until } from "../../support/until.js";

const [url = "", instanceId = ""] = process.argv.slice(2);
process.on("uncaughtException", ({ name }) => {
  console.error(name);
});
const admin = postgres(url);
const sql = postgres(url, { max: 2 });

/** Makes calls at the same time and, once the connection is lost, one call more. */
async function callAndLose(tx: postgres.TransactionSql): Promise<string[]> {
  const calls = [1, 2, 3].map(() => requestStop(tx, { instanceId }));
  const settled = Promise.allSettled(calls);
  await until("a call waits, and its session is ended", async () => {
    const ended = await admin`
      select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`;
    return ended.length > 0;
  });
  const all = [...(await settled), ...(await Promise.allSettled([requestStop(tx, { instanceId })]))];
  return all.map((each) => (each.status === "rejected" ? (each.reason as Error).name : each.status));
}

await admin.begin(async (lock) => {
  await lock`select from vmstate.instance where id = ${instanceId} for update`;
  let names: string[] = [];
  const transaction = sql.begin(async (tx) => {
    names = await callAndLose(tx);
  });
  const ending = await transaction.then(
    () => "committed",
    () => "rejected",
  );
  await until("every call has settled", () => Promise.resolve(names.length > 0));
  console.log([...names, ending].join(" "));
});
process.exit();
