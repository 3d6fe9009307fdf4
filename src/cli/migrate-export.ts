import { Command, InvalidArgumentError } from "commander";
import { VmstateError } from "../errors/vmstate-error.js";
import { PACKAGE_ROOT, readMigrations } from "../schema/files.js";
import { sqlOf } from "../schema/status.js";
import { ioOf } from "../terminal/io.js";

interface Options {
  from: number;
  to?: number;
}

/** `vmstate migrate export` */
export function migrateExportCommand(): Command {
  return new Command("export")
    .description("migrations as plain SQL, for Flyway, Atlas or psql")
    .option("--from <n>", "number of the first", number, 1)
    .option("--to <n>", "number of the last (default: the newest)", number)
    .action(runExport);
}

async function runExport({ from, to }: Options, command: Command): Promise<void> {
  const migrations = await readMigrations(PACKAGE_ROOT);
  const last = to ?? migrations.length;
  if (from > last || last > migrations.length)
    throw new VmstateError(
      `there are no migrations ${from} to ${last}: this vmstate has 1 to ${migrations.length}`,
    );
  ioOf(command).stdout.write(sqlOf(migrations.slice(from - 1, last)));
}

/** `2`, and `0002` as well. */
function number(text: string): number {
  if (/^0{0,3}[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is not the number of a migration.");
}
