import { randomBytes } from "node:crypto";
import { Command } from "commander";
import { PACKAGE_ROOT } from "../../src/migrations/files.js";
import { copyDatabase } from "../harness/copy.js";
import { startTestServer } from "../harness/servers.js";
import { release } from "./release.js";
import { told } from "./told.js";

const command = new Command("release")
  .description("Adds the version in package.json, its migrations and its signatures to sql/released.json.")
  .showHelpAfterError()
  .action(() => told(releaseHere));
await command.parseAsync();

async function releaseHere(): Promise<void> {
  const server = await startTestServer();
  try {
    const name = `vmstate_release_${randomBytes(6).toString("hex")}`;
    await using database = await copyDatabase({ serverUrl: server.url, name, template: "template0" });
    const { version, migrations } = await release(PACKAGE_ROOT, database.url);
    console.log(`${version} is in sql/released.json; commit it`);
    for (const { name, breaking } of migrations) console.log(`  ${name}${breaking ? " (breaking)" : ""}`);
  } finally {
    await server.stop();
  }
}
