import { Command, InvalidArgumentError } from "commander";
import { VmstateError } from "../errors/vmstate-error.js";
import { PACKAGE_ROOT, readMigrations } from "../schema/files.js";
import { sqlOf } from "../schema/status.js";
import { ioOf } from "../terminal/io.js";

interface Options {
  from: number;
  to?: number;
}

/** Without these options psql goes on after an error, and ends with exit code 0. */
const WITH_PSQL = `
With psql, in one transaction that ends at the first error:
  vmstate migrate export | psql -1 -v ON_ERROR_STOP=1`;

/** Defines the command `vmstate migrate export`. */
export function migrateExportCommand(): Command {
  return new Command("export")
    .description("print schema migrations as SQL, for psql, Flyway or Atlas")
    .option("--from <n>", "number of the first schema migration", number, 1)
    .option("--to <n>", "number of the last schema migration (default: the newest)", number)
    .addHelpText("after", WITH_PSQL)
    .action(runExport);
}

async function runExport({ from, to }: Options, command: Command): Promise<void> {
  const migrations = await readMigrations(PACKAGE_ROOT);
  const last = to ?? migrations.length;
  if (from > last || last > migrations.length)
    throw new VmstateError(
      `--from and --to must be 1 to ${migrations.length} and in order, not ${from} to ${last}`,
    );
  ioOf(command).stdout.write(sqlOf(migrations.slice(from - 1, last)));
}

/** Reads the number of a migration: `2`, or `0002` as in the file's name. */
function number(text: string): number {
  if (/^0{0,3}[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected the number of a schema migration, for example 2.");
}
