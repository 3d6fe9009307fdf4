import { sqlStateOf } from "../errors/sql-state.js";

/** A call of this package that has ended. It has no argument and nothing of a row: it may go into logs and metrics. */
export interface FinishedCall {
  /** The function of this package that was called, for example `beginStart`. */
  name: string;
  durationMs: number;
  /** The outcome that the call was answered, of a report that of its VMM part; null: a list, a batch or an error. */
  outcome: string | null;
  /** Why, if the answer says so. */
  reason: string | null;
  /** The SQLSTATE, or the code of the client or of Node, of the error that the call ended with; null: it was answered. */
  code: string | null;
}

type Ending = Pick<FinishedCall, "outcome" | "reason" | "code">;

/**
 * Makes a call, and tells `onCall` how it ended.
 *
 * What `onCall` throws is ignored: whoever watches a call must not change what becomes of it.
 */
export async function watchedCall<Answer>(
  name: string,
  call: () => Promise<Answer>,
  onCall: (call: FinishedCall) => void,
): Promise<Answer> {
  const begun = performance.now();
  const finish = (ending: Ending): void => {
    try {
      onCall({ name, durationMs: performance.now() - begun, ...ending });
    } catch {
      // Ignored, as promised.
    }
  };
  try {
    const answer = await call();
    finish(endingOf(answer));
    return answer;
  } catch (error) {
    finish({ outcome: null, reason: null, code: sqlStateOf(error) || nameOf(error) });
    throw error;
  }
}

/** The outcome of an answer; the other columns stay where they are. */
function endingOf(answer: unknown): Ending {
  const { outcome, vmmOutcome, reason } = Object(answer) as Record<string, unknown>;
  return { outcome: textOrNull(outcome ?? vmmOutcome), reason: textOrNull(reason), code: null };
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Error";
}
