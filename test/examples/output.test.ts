import type postgres from "postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sendIn, storyFiles } from "../../src/cli/demo/stories.js";
import { invariantViolations } from "../../src/client/views.js";
import { createDatabase, type TestDatabase } from "../support/database.js";
import { outputFile, play } from "./play.js";

let db: TestDatabase;
let session: postgres.Sql;
beforeAll(async () => {
  db = await createDatabase();
  session = db.connect({ max: 1 });
});
afterAll(() => db.drop());

// `npm run examples` writes these files.
it.each(await storyFiles())(
  "%s prints what is in the file beside it, and breaks no invariant",
  async (story) => {
    const send = sendIn(session);
    const violations: unknown[] = [];
    const output = await play(story, async (statement) => {
      if (statement === "ROLLBACK;") violations.push(await invariantViolations(session));
      return await send(statement);
    });
    await expect(output).toMatchFileSnapshot(outputFile(story));
    expect(violations).toEqual([[]]);
  },
);
