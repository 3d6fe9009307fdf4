import { Command } from "commander";
import { playDemo } from "./demo/play.js";
import { withDatabase } from "./database.js";
import { ioOf, say } from "../terminal/io.js";
import { databaseUrlOption, type DatabaseUrlOption } from "./options.js";

/** Defines the command `vmstate demo`. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("the six rules as stories, on a real PostgreSQL")
    .addOption(databaseUrlOption())
    .action(runDemo);
}

async function runDemo(options: DatabaseUrlOption, command: Command): Promise<void> {
  const io = ioOf(command);
  if (!options.databaseUrl) say(io.stderr, "starting a throw-away PostgreSQL ...");
  await withDatabase(io, { ...options, embedded: true }, (database) => playDemo(database, io));
}
