import { join } from "node:path";
import { invariantViolations } from "../../client/views.js";
import { type Io, say, WIDTH } from "../../terminal/io.js";
import { wrapped } from "../../terminal/table.js";
import type { Database } from "../database.js";
import { requireNone } from "../verify.js";
import { Player, type Send } from "./player.js";
import { StoryText } from "./story-text.js";
import { EXAMPLES, sendIn, storyFiles } from "./stories.js";

/**
 * Plays the stories of docs/examples.
 *
 * Each story rolls back its transaction, and so does the end of the connection.
 */
export async function playDemo({ sql, where, newClient }: Database, io: Io): Promise<void> {
  say(io.stdout, prologue(where));
  // Transactions by hand need a client with one connection.
  const session = await newClient({ max: 1 });
  const end = (): Promise<void> => session.end({ timeout: 0 });
  io.signal.addEventListener("abort", () => void end(), { once: true });
  try {
    for (const file of await storyFiles()) await playStory(file, sendIn(session), io);
  } finally {
    await end();
  }
  requireNone(await invariantViolations(sql));
  say(io.stdout, EPILOGUE);
}

async function playStory(file: string, send: Send, { stdout, colors }: Io): Promise<void> {
  const story = new StoryText(file, colors);
  for await (const output of new Player(send).play(join(EXAMPLES, file))) say(stdout, story.add(output));
}

function prologue(where: string): string {
  return paragraphs(
    `The six rules of vmstate, and how reports are ordered, as stories about one instance. They are played on ${where}, each in one transaction that is rolled back at the end: nothing stays.`,
    "An instance is what the user sees. A, B and C are VMMs, its incarnations, each on a sled, that is a host. Sagas are jobs of several steps that may fail half-way and then unwind, that is undo what they did.",
    "You see each statement of SQL, and its answer as psql prints it.",
  );
}

const EPILOGUE = `\n${paragraphs(
  "vmstate verify: no invariant is violated.",
  "Next: `vmstate migrate` installs vmstate in a database of yours. There, `psql -f` plays the same files, which are in docs/examples; docs/model.md has the rules in full.",
)}`;

function paragraphs(...texts: string[]): string {
  return texts.map((text) => wrapped(text, WIDTH)).join("\n\n");
}
