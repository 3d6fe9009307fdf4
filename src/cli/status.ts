import { Command } from "commander";
import type postgres from "postgres";
import type { ApiInstanceState } from "../client/generated.js";
import { age } from "../terminal/age.js";
import { type Io, ioOf, say, sayJson } from "../terminal/io.js";
import { databaseUrlOption, type DatabaseUrlOption, jsonOption, type JsonOption } from "./options.js";
import { withSnapshot } from "./queries/snapshot.js";
import { table } from "../terminal/table.js";
import { readWorkLists, type WorkList } from "./queries/work-lists.js";

interface InstanceCount {
  state: ApiInstanceState;
  count: number;
}

interface Status {
  instances: InstanceCount[];
  workLists: WorkList[];
}

/** Defines the command `vmstate status`. */
export function statusCommand(): Command {
  return new Command("status")
    .description("count the instances by state, and the rows of each work list")
    .addOption(databaseUrlOption())
    .addOption(jsonOption())
    .action(runStatus);
}

async function runStatus(options: DatabaseUrlOption & JsonOption, command: Command): Promise<void> {
  const io = ioOf(command);
  const status = await withSnapshot(io, options, async (sql, { where }) => {
    say(io.stderr, where);
    return { instances: await countInstances(sql), workLists: await readWorkLists(sql) };
  });
  if (options.json) sayJson(io.stdout, toJson(status));
  else printStatus(io, status);
}

/** Counts the instances in every state that the API shows, without deleted ones. */
async function countInstances(sql: postgres.TransactionSql): Promise<InstanceCount[]> {
  return await sql<InstanceCount[]>`
    select s.state, count(i.id)::integer as count
    from unnest(enum_range(null::vmstate.api_instance_state)) as s (state)
    left join vmstate.api_instance as i on i.state = s.state
    where s.state <> 'destroyed'
    group by s.state
    order by s.state`;
}

function printStatus({ stdout, colors }: Io, { instances, workLists }: Status): void {
  const total = instances.reduce((sum, { count }) => sum + count, 0);
  const counts = [...instances, { state: "total", count: total }];
  say(
    stdout,
    table(
      counts.map(({ state, count }) => [state, count]),
      { head: [colors.bold("instances"), ""], right: [1] },
    ),
  );
  say(stdout, "");
  say(
    stdout,
    table(
      workLists.map(({ name, size, oldestSeconds, todo }) => [
        name,
        size,
        oldestSeconds === null ? "" : age(oldestSeconds),
        todo,
      ]),
      { head: ["work list", "rows", "oldest", "for each"].map(colors.bold), right: [1, 2] },
    ),
  );
}

function toJson({ instances, workLists }: Status): unknown {
  return {
    instances: Object.fromEntries(instances.map(({ state, count }) => [state, count])),
    workLists: Object.fromEntries(
      workLists.map(({ name, size, oldestSeconds }) => [name, { size, oldestSeconds }]),
    ),
  };
}
