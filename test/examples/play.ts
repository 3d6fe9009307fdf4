import { join } from "node:path";
import { Player, type Send } from "../../src/cli/demo/player.js";
import { EXAMPLES } from "../../src/cli/demo/stories.js";

/** The worked example of docs/your-tables.md, which the demo does not play. */
export const YOUR_TABLES = "your-tables.sql";

/** The file with what a story prints. */
export function outputFile(story: string): string {
  return join(EXAMPLES, story.replace(/sql$/, "out"));
}

/** Plays a story and answers what psql would print, without blanks at the ends of lines. */
export async function play(story: string, send: Send): Promise<string> {
  let printed = "";
  for await (const { kind, text } of new Player(send).play(join(EXAMPLES, story)))
    printed += `${text}\n${kind === "answer" ? "\n" : ""}`;
  return printed;
}
