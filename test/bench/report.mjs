// How fast sled-agent reports are, next to the least that any client of PostgreSQL could do: one guarded UPDATE by
// primary key. Contestants take turns call by call, so that whatever else the machine does hits all of them.
import { randomUUID } from "node:crypto";
import os from "node:os";
import process from "node:process";
import { build } from "hdr-histogram-js";
import Table from "cli-table3";
import postgres from "postgres";
import { startEmbedded } from "../../dist/embedded/start.js";
import { migrate, reportVmm, reportVmms } from "../../dist/index.js";

const VMMS = 20_000;
const WARM_UP = 300;
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 2_000);
const BATCH = 100;

/** On disk and durable, as a control plane runs it: in memory, a commit costs next to nothing. */
const DURABLE = { fsync: "on", synchronous_commit: "on", full_page_writes: "on", shared_buffers: "256MB" };

const given = process.env["DATABASE_URL"];
const server = given === undefined ? await startEmbedded({ dir: os.tmpdir(), settings: DURABLE }) : undefined;
const url = given ?? /** @type {NonNullable<typeof server>} */ (server).url;
try {
  await main();
} finally {
  await server?.stop();
}

async function main() {
  await migrate(url);
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  const vmms = await createVmms(sql);
  await sql`vacuum analyze vmstate.instance, vmstate.vmm`;
  await describe(sql);

  const before = await hotUpdates(sql);
  const medians = await race(contestants(sql, vmms));
  const after = await hotUpdates(sql);
  print(medians, (after.hot - before.hot) / (after.all - before.all));
  await sql.end();
}

/** Through the verbs, so that no right but EXECUTE is needed. @param {postgres.Sql} sql */
async function createVmms(sql) {
  const project = randomUUID();
  /** @type {{ instanceId: string, propolisId: string }[]} */
  const vmms = await sql`
    select (vmstate.begin_start(i, i, i, i, '10.0.0.1')).instance_id as "instanceId", i as "propolisId"
    from (
      select (vmstate.finish_instance_creation((vmstate.create_instance(
        gen_random_uuid(), ${project}, 'bench-' || n, 'running')).instance_id)).instance_id
      from generate_series(1, ${VMMS}::int) as n
      offset 0
    ) as created (i)`;
  await reportVmms(
    sql,
    vmms.map((vmm) => ({ ...vmm, state: "running", generation: 2, time: new Date() })),
  );
  return vmms;
}

/** @param {postgres.Sql} sql */
async function describe(sql) {
  const [settings] = await sql`
    select current_setting('server_version') as version, current_setting('fsync') as fsync,
      current_setting('synchronous_commit') as commit, current_setting('shared_buffers') as buffers`;
  console.log(
    `${os.cpus()[0]?.model ?? "unknown CPU"} x ${os.cpus().length}, Node ${process.versions.node}, PostgreSQL ${settings?.["version"]}\n` +
      `fsync ${settings?.["fsync"]}, synchronous_commit ${settings?.["commit"]}, shared_buffers ${settings?.["buffers"]}\n` +
      `${VMMS} VMMs, 1 connection, ${WARM_UP} rounds of warm-up, ${ROUNDS} rounds, contestants in turn\n`,
  );
}

/**
 * Each a single round trip that makes `size` health reports of random VMMs.
 *
 * @param {postgres.Sql} sql
 * @param {{ instanceId: string, propolisId: string }[]} vmms
 */
function contestants(sql, vmms) {
  let generation = 2;
  const pick = () => vmms[Math.floor(Math.random() * vmms.length)] ?? /** @type {never} */ (undefined);
  const report = () => ({
    ...pick(),
    state: /** @type {const} */ ("running"),
    generation: ++generation,
    time: new Date(),
  });
  const distinct = () => [
    ...new Map(Array.from({ length: BATCH }, report).map((r) => [r.propolisId, r])).values(),
  ];
  return [
    {
      name: "bare guarded UPDATE",
      size: 1,
      call: () => {
        const r = report();
        return sql`update vmstate.vmm set state = ${r.state}, state_generation = ${r.generation},
          time_state_updated = ${r.time} where id = ${r.propolisId} and state_generation < ${r.generation} returning id`;
      },
    },
    { name: "reportVmm", size: 1, call: () => reportVmm(sql, report()) },
    {
      name: `bare UPDATE FROM unnest, ${BATCH}`,
      size: BATCH,
      call: () => {
        const r = distinct();
        return sql`update vmstate.vmm as v set state = 'running', state_generation = u.generation, time_state_updated = u.time
          from unnest(${r.map((x) => x.propolisId)}::uuid[], ${r.map((x) => x.generation)}::bigint[],
            ${r.map((x) => x.time.toISOString())}::timestamptz[]) as u (id, generation, time)
          where v.id = u.id and v.state_generation < u.generation returning v.id`;
      },
    },
    { name: `reportVmms, ${BATCH}`, size: BATCH, call: () => reportVmms(sql, distinct()) },
  ];
}

/** @param {ReturnType<typeof contestants>} all */
async function race(all) {
  const entries = all.map((contestant) => ({
    ...contestant,
    histogram: build({ numberOfSignificantValueDigits: 3 }),
  }));
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const { call, histogram } of entries) {
      const start = process.hrtime.bigint();
      await call();
      if (round >= 0) histogram.recordValue(Number(process.hrtime.bigint() - start) / 1_000);
    }
  }
  return entries;
}

/** @param {postgres.Sql} sql */
async function hotUpdates(sql) {
  await sql`select pg_stat_force_next_flush()`;
  const [row] = await sql`
    select n_tup_upd::float8 as all, n_tup_hot_upd::float8 as hot from pg_stat_user_tables
    where schemaname = 'vmstate' and relname = 'vmm'`;
  return { all: Number(row?.["all"]), hot: Number(row?.["hot"]) };
}

/** @param {Awaited<ReturnType<typeof race>>} entries @param {number} hot */
function print(entries, hot) {
  const table = new Table({
    head: ["", "p50 µs", "p99 µs", "VMs/s", "x floor"],
    style: { head: [], border: [] },
  });
  const rates = entries.map(({ size, histogram }) => (size * 1e6) / histogram.getValueAtPercentile(50));
  entries.forEach(({ name, histogram }, i) =>
    table.push([
      name,
      histogram.getValueAtPercentile(50),
      histogram.getValueAtPercentile(99),
      Math.round(rates[i] ?? 0),
      ((rates[i] ?? 0) / (rates[0] ?? 1)).toFixed(2),
    ]),
  );
  console.log(table.toString());
  const [floor = 1, single = 1, bareBatch = 1, batch = 1] = rates;
  console.log(`\nreportVmm / bare UPDATE        ${(single / floor).toFixed(2)}`);
  console.log(`reportVmms / reportVmm         ${(batch / single).toFixed(1)}`);
  console.log(`reportVmms / bare UPDATE batch ${(batch / bareBatch).toFixed(2)}`);
  console.log(`HOT updates                    ${(100 * hot).toFixed(1)} %`);
}
