import { afterAll, beforeAll, expect, it } from "vitest";
import { sendIn, storyFiles } from "../../src/cli/demo/stories.js";
import { invariantViolations } from "../../src/client/views.js";
import { createDatabase, type TestDatabase } from "../support/database.js";
import { outputFile, play, YOUR_TABLES } from "./play.js";

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

/** Plays a story on a connection of its own: one that fails in the middle leaves no transaction to the next. */
async function playAlone(story: string): Promise<{ output: string; violations: unknown[] }> {
  const session = db.connect({ max: 1 });
  const send = sendIn(session);
  const violations: unknown[] = [];
  try {
    const output = await play(story, async (statement) => {
      if (statement === "ROLLBACK;") violations.push(await invariantViolations(session));
      return await send(statement);
    });
    return { output, violations };
  } finally {
    await session.end();
  }
}

// `npm run examples` writes these files.
it.each([...(await storyFiles()), YOUR_TABLES])(
  "%s prints its committed output, and breaks no invariant",
  async (story) => {
    const { output, violations } = await playAlone(story);
    await expect(output).toMatchFileSnapshot(outputFile(story));
    expect(violations).toEqual([[]]);
  },
);
