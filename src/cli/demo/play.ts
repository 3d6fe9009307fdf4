import type postgres from "postgres";
import type { Database } from "../database.js";
import type { Io } from "../../terminal/io.js";
import { requireNone } from "../verify.js";
import { LOCAL_SETTINGS } from "../../connection/settings.js";
import { invariantViolations } from "../../client/views.js";
import { clearingLinks } from "./acts/clearing-links.js";
import { disorder } from "./acts/disorder.js";
import { failedMigration } from "./acts/failed-migration.js";
import { failedStart } from "./acts/failed-start.js";
import { lateReport } from "./acts/late-report.js";
import { nextStart } from "./acts/next-start.js";
import { runningUpdate } from "./acts/running-update.js";
import { Stage } from "./stage.js";

const ACTS = [failedStart, nextStart, runningUpdate, failedMigration, disorder, lateReport, clearingLinks];

/** Tells the six rules as a story of one instance, in a transaction that is rolled back at the end. */
export async function playDemo({ sql, where }: Database, io: Io): Promise<void> {
  await inVain(sql, async (transaction) => {
    const stage = new Stage(transaction, io);
    prologue(stage, where);
    for (const { title, rules, play } of ACTS) {
      stage.title(title, rules);
      await play(stage);
    }
    await epilogue(stage);
  });
}

class RolledBack extends Error {}

/** On somebody's database nothing must stay, even if Ctrl-C ends the story. */
async function inVain(
  sql: postgres.Sql,
  use: (transaction: postgres.TransactionSql) => Promise<void>,
): Promise<void> {
  try {
    await sql.begin(async (transaction) => {
      await transaction.unsafe(LOCAL_SETTINGS);
      await use(transaction);
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
}

function prologue(stage: Stage, where: string): void {
  stage.title("vmstate: the life of one instance, in seven acts");
  stage.why(
    `Played on ${where}, with ids of its own, in one transaction that is rolled back at the end: nothing stays.`,
  );
  stage.why(
    "web is an instance, what the user sees. A, B, C ... are VMMs, its incarnations, each on a sled, that is a host. Sagas are jobs of several steps that may fail half-way and then unwind, that is undo what they did.",
  );
}

async function epilogue(stage: Stage): Promise<void> {
  stage.title("vmstate verify");
  const violations = await invariantViolations(stage.sql);
  requireNone(violations);
  stage.why("No invariant is violated.");
  stage.why(
    "Next: vmstate migrate installs all this in a database of yours, vmstate --help lists what else there is, and the folder sql/ is the whole of it, to read.",
  );
}
