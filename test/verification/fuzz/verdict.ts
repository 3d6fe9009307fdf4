import postgres from "postgres";
import { DatabaseError, InvalidArgumentError } from "../../../src/errors/call-errors.js";
import type { Fault } from "./finding.js";
import type { Attempt } from "./rollback-database.js";
import { shortened } from "./literals.js";
import { ThrownAtOnce, RoundTripError, type CallCase } from "./call-case.js";

export interface Verdict {
  accepted: boolean;
  /** The SQLSTATE, or the outcome of a refusal; null when it was accepted. */
  code: string | null;
  complaint: Complaint | null;
}

/** What is wrong with what a call came to. */
export class Complaint extends Error {
  /** @param kind the same for all complaints that are likely to have one cause */
  constructor(
    readonly fault: Fault,
    readonly kind: string,
    message = kind,
  ) {
    super(message);
  }
}

type Row = Readonly<Record<string, unknown>>;

const REFUSALS = new Set(["stale", "terminal", "conflict", "wrong_side", "gone", "not_found"]);
const OUTCOMES = new Set([...REFUSALS, "applied", "unchanged"]);

/** Verbs that answer no row for what they wrote: purge counts rows, and a batch of arrays names the reports that were not applied. */
const WITHOUT_APPLIED: ReadonlySet<string> = new Set(["purge", "report_vmm_batch"]);

/** Verbs that may write although they answer `unchanged`: they release the updater lock of the caller. */
const RELEASES = new Set(["begin_update", "run_update"]);

/** `conflict` from these may be written all the same: they record that a sled was heard. */
const HEARERS = new Set(["report_sled"]);

/** An error longer than this counts as unclear. */
const LONGEST_MESSAGE = 2_000;

/**
 * Judges an attempt: it must give a documented answer, or a proper error and then no changed row.
 *
 * Proper are VM001, class 22 (bad data), and the codes that the call case allows besides. A verb never lets a constraint refuse.
 */
export function judge(callCase: CallCase, attempt: Attempt): Verdict {
  if ("error" in attempt) return judgeError(callCase, attempt);
  const rows = rowsOf(attempt.answer);
  const outcomes = rows.flatMap(outcomesOf);
  const refused = outcomes.length > 0 && outcomes.every((outcome) => REFUSALS.has(outcome));
  return {
    accepted: !refused,
    code: refused ? String(outcomes[0]) : null,
    complaint:
      complaintOfRows(callCase, rows) ??
      complaintOfPurge(callCase, attempt.changed, rows) ??
      complaintOfChange(callCase, attempt.changed, outcomes),
  };
}

function judgeError(callCase: CallCase, { error, changed }: Attempt): Verdict {
  const code = codeOf(error);
  if (error instanceof RoundTripError) return refused(code, new Complaint("wrong answer", error.message));
  return refused(
    code,
    changed ? new Complaint("changed row", code) : complaintOfError(callCase, error, code),
  );
}

function refused(code: string, complaint: Complaint | null): Verdict {
  return { accepted: false, code, complaint };
}

function rowsOf(answer: unknown): Row[] {
  const rows: unknown[] = Array.isArray(answer) ? answer : [answer];
  return rows.filter((row): row is Row => typeof row === "object" && row !== null);
}

function outcomesOf(row: Row): string[] {
  return Object.entries(row).flatMap(([key, value]) =>
    /outcome$/i.test(key) && typeof value === "string" && OUTCOMES.has(value) ? [value] : [],
  );
}

/** Requires a reason of every conflict, and of no other outcome; the comment of the function explains it. */
function complaintOfRows({ verb }: CallCase, rows: readonly Row[]): Complaint | null {
  if (verb === undefined) return null;
  for (const { outcome, reason } of rows) {
    if ((outcome === "conflict") !== (typeof reason === "string"))
      return new Complaint("wrong answer", `${String(outcome)} with reason ${String(reason)}`);
    if (typeof reason === "string" && !verb.comment.split(/\W+/).includes(reason))
      return new Complaint("wrong answer", `reason ${reason}, which the comment does not explain`);
  }
  return null;
}

/** Requires that a purge counts rows if and only if it deleted some. */
function complaintOfPurge(
  { verb }: CallCase,
  changed: boolean,
  [row = {}]: readonly Row[],
): Complaint | null {
  if (verb?.name !== "purge") return null;
  const counts = [row["migrations"], row["vmms"], row["instances"]].map(Number);
  return counts.some((count) => count > 0) === changed
    ? null
    : new Complaint(
        "wrong answer",
        `${counts.join(", ")} rows purged, but ${changed ? "some" : "none"} changed`,
      );
}

function complaintOfChange(
  callCase: CallCase,
  changed: boolean,
  outcomes: readonly string[],
): Complaint | null {
  if (!changed) return null;
  if (!callCase.writes) return new Complaint("changed row", "it only reads");
  const { verb } = callCase;
  if (WITHOUT_APPLIED.has(String(verb?.name))) return null;
  if (outcomes.includes("applied") || (outcomes.length === 0 && verb === undefined)) return null;
  if (outcomes.includes("unchanged") && RELEASES.has(String(verb?.name))) return null;
  if (outcomes.includes("conflict") && HEARERS.has(String(verb?.name))) return null;
  return new Complaint("changed row", [...new Set(outcomes)].join(", ") || "no row answered");
}

function complaintOfError(callCase: CallCase, error: unknown, code: string): Complaint | null {
  if (error instanceof ThrownAtOnce)
    return new Complaint(
      "internal error",
      `${codeOf(error.cause)} thrown, not rejected`,
      `${error.message} was thrown, not rejected`,
    );
  if (isUnsent(error))
    return callCase.mayBeUnsent?.() === true
      ? null
      : new Complaint(
          "internal error",
          "refused without need",
          `${error.message}, though the database might take it`,
        );
  const isProper = /^(22...|VM001)$/.test(code) || callCase.mayFailWith(code);
  if (!isProper) return new Complaint("internal error", code, `${code}: ${shortened(String(error))}`);
  const isServers = error instanceof postgres.PostgresError || error instanceof DatabaseError;
  const isOurs = isServers && code.startsWith("VM") && !callCase.internal;
  return isOurs ? complaintOfOurs(callCase, error) : null;
}

/** Tells what a wrapper refused before it sent anything. */
function isUnsent(error: unknown): error is InvalidArgumentError {
  return error instanceof InvalidArgumentError && error.cause === undefined;
}

/** Requires of an error of vmstate that it names the function and the argument, and says what is wrong and what to do. */
function complaintOfOurs(
  { verb }: CallCase,
  error: postgres.PostgresError | DatabaseError,
): Complaint | null {
  const { code, message, detail = "", hint = "" } = error;
  if (detail === "" || hint === "") return new Complaint("unclear error", `${code} without DETAIL or HINT`);
  if (message.length + detail.length + hint.length > LONGEST_MESSAGE)
    return new Complaint(
      "unclear error",
      `${code} of more than ${LONGEST_MESSAGE} characters`,
      `${code}: ${shortened(detail)}`,
    );
  if (code !== "VM001" || verb === undefined) return null;
  const [, name, argument] = /^vmstate\.(\w+): invalid argument (p_\w+)$/.exec(message) ?? [];
  // report_vmms names the argument of report_vmm
  const isOwn = verb.name === "report_vmms" || verb.arguments.some((known) => known.name === argument);
  return name === verb.name && isOwn
    ? null
    : new Complaint("unclear error", "VM001 names another function or argument", message);
}

function codeOf(error: unknown): string {
  if (error instanceof ThrownAtOnce) return codeOf(error.cause);
  if (error instanceof Error && "code" in error) return String(error.code);
  return error instanceof Error ? error.constructor.name : typeof error;
}
