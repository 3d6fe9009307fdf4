import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type postgres from "postgres";
import { PACKAGE_ROOT } from "../../schema/files.js";
import { beginning } from "../../connection/settings.js";
import type { Answer } from "./psql-text.js";
import type { Send } from "./player.js";

export const EXAMPLES = join(PACKAGE_ROOT, "docs/examples");

/** Lists the files of the stories, in their order. */
export async function storyFiles(): Promise<string[]> {
  return (await readdir(EXAMPLES)).filter((file) => /^\d\d-.*\.sql$/.test(file)).sort();
}

/**
 * Sends statements to one session.
 *
 * Each transaction begins with our settings, because a pooler may have dropped them from the connection.
 *
 * @param session a client with one connection
 */
export function sendIn(session: postgres.Sql): Send {
  return async (statement) => {
    if (statement !== "BEGIN;") return answerOf(await session.unsafe(statement).raw());
    await session.unsafe(beginning("isolation level read committed read write"));
    return { columns: [], rows: [] };
  };
}

/**
 * Converts the result of a statement to an answer.
 *
 * A statement that returns no rows has no columns, although the type of postgres.js promises them.
 */
function answerOf(rows: Buffer[][] & Partial<Pick<Answer, "columns">>): Answer {
  const cells = (row: (Buffer | null)[]): (string | null)[] => row.map((cell) => cell?.toString() ?? null);
  return { columns: rows.columns ?? [], rows: rows.map(cells) };
}
