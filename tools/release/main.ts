import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import { Command } from "commander";
import { PACKAGE_ROOT } from "../../src/schema/files.js";
import { copyDatabase } from "../../test/support/copy.js";
import { startTestServer } from "../../test/support/servers.js";
import { release } from "./release.js";
import { runCommand } from "./run-command.js";
import { PACKAGES } from "./released-package.js";

const command = new Command("release")
  .description("Adds the version in package.json to sql/released.json, and keeps its package.")
  .showHelpAfterError()
  .action(() => runCommand(releaseHere));
await command.parseAsync();

async function releaseHere(): Promise<void> {
  const server = await startTestServer();
  try {
    const name = `vmstate_release_${randomBytes(6).toString("hex")}`;
    await using database = await copyDatabase({ serverUrl: server.url, name, template: "template0" });
    const { version, migrations } = await release(PACKAGE_ROOT, database.url);
    await pack();
    console.log(`${version} is in sql/released.json, its package in tools/release/packages; commit both`);
    for (const { name, breaking } of migrations) console.log(`  ${name}${breaking ? " (breaking)" : ""}`);
  } finally {
    await server.stop();
  }
}

/** Packs what users get, for tests of their upgrade. */
async function pack(): Promise<void> {
  await mkdir(PACKAGES, { recursive: true });
  await promisify(execFile)("npm", ["pack", "--silent", "--pack-destination", PACKAGES], {
    cwd: PACKAGE_ROOT,
  });
}
