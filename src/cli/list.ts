import { Command, InvalidArgumentError, Option } from "commander";
import type { ApiInstanceState } from "../client/generated.js";
import { type Io, ioOf, say, sayJson } from "../terminal/io.js";
import {
  databaseUrlOption,
  type DatabaseUrlOption,
  jsonOption,
  type JsonOption,
  requireUuid,
  wholeNumber,
} from "./options.js";
import { listText } from "./output/list-text.js";
import {
  type InstanceFilter,
  type ListedInstance,
  type Position,
  readPage,
} from "./queries/instance-page.js";
import { withSnapshot } from "./queries/snapshot.js";

interface Options extends DatabaseUrlOption, JsonOption, InstanceFilter {
  limit: number;
  after?: Position;
}

/** A page of the list. */
interface Page {
  instances: ListedInstance[];
  /** What `--after` takes to print the next page; null: this page is the last one. */
  next: string | null;
}

const STATES = [
  "creating",
  "starting",
  "running",
  "stopping",
  "stopped",
  "rebooting",
  "migrating",
  "failed",
] as const satisfies readonly ApiInstanceState[];

const ABOUT = `
Instances are in the order of their project and name. A page that is not the
last one ends with the --after of the next page, on stderr.

With --state, --name or both, vmstate reads the instances of the project, or of
all projects, until the page is full: name a project where there are many.`;

/** Defines the command `vmstate list`. */
export function listCommand(): Command {
  return new Command("list")
    .description("list instances as the API shows them")
    .addOption(databaseUrlOption())
    .addOption(new Option("--project <id>", "only instances of this project").argParser(requireUuid))
    .addOption(new Option("--state <state>", "only instances in this state").choices(STATES))
    .option("--name <prefix>", "only instances whose name begins with this")
    .option("--limit <n>", "most instances to print, 1 to 10000", wholeNumber(1, 10_000), 50)
    .option("--after <project/name>", "print what comes after this instance", position)
    .addOption(jsonOption())
    .addHelpText("after", ABOUT)
    .action(runList);
}

function position(text: string): Position {
  const [, projectId, name] = /^([^/]*)\/(.+)$/s.exec(text) ?? [];
  if (projectId === undefined || name === undefined)
    throw new InvalidArgumentError("Expected the id of a project, a slash and a name.");
  return { projectId: requireUuid(projectId), name };
}

async function runList(options: Options, command: Command): Promise<void> {
  const io = ioOf(command);
  const page = await withSnapshot(io, options, async (sql) => {
    // One instance more tells whether there is another page.
    const found = await readPage(sql, options, { after: options.after, limit: options.limit + 1 });
    return pageOf(found, options.limit);
  });
  if (options.json) sayJson(io.stdout, page);
  else printPage(io, page);
}

function pageOf(found: ListedInstance[], limit: number): Page {
  const instances = found.slice(0, limit);
  const last = instances.at(-1);
  return { instances, next: found.length > limit && last ? `${last.projectId}/${last.name}` : null };
}

function printPage(io: Io, { instances, next }: Page): void {
  if (instances.length === 0) say(io.stderr, "no instance is like that");
  else say(io.stdout, listText(instances, new Date(), io));
  if (next !== null) say(io.stderr, `more: --after '${next}'`);
}
