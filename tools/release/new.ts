import process from "node:process";
import { Command } from "commander";
import { PACKAGE_ROOT } from "../../src/schema/files.js";
import { newMigration } from "./new-migration.js";
import { runCommand } from "./run-command.js";

const command = new Command("migration:new")
  .description(
    "Writes the next migration, with a copy of what changed in sql/; or brings the newest up to date.",
  )
  .argument("<name>", "what it does, in snake_case")
  .showHelpAfterError()
  .option("--all", "copy also what did not change, so that PostgreSQL parses it anew", false)
  .action((name: string, { all }: { all: boolean }) =>
    runCommand(async () => {
      const { file, copied, byHand } = await newMigration(PACKAGE_ROOT, name, all);
      console.log(`migrations/${file}`);
      for (const one of copied) console.log(`  copied   sql/${one}`);
      for (const one of byHand) console.log(`  by hand  sql/${one}`);
    }),
  );
await command.parseAsync(process.argv);
