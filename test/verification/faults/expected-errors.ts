import { setTimeout } from "node:timers/promises";

export const CONNECTION_CLOSED = "CONNECTION_CLOSED";
/** The errors of a client whose connection was cut, refused, or not let in while the server recovers. */
export const CUT: readonly string[] = [
  CONNECTION_CLOSED,
  // What a wrapper makes of the error of `pg`, which has no code.
  "08006",
  "CONNECTION_DESTROYED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "57P01",
  "57P02",
  "57P03",
];
export const TOO_MANY_CONNECTIONS = "53300";
export const CANCELLED = "57014";
export const LOCK_TIMEOUT = "55P03";
export const IDLE_TIMEOUT = "25P03";
export const SERIALIZATION_FAILURE = "40001";

const PATIENCE_MS = 60_000;
const BACKOFF_MS = 10;

/** The errors that the faults of a run may cause, and how often each occurred. */
export class ExpectedErrors {
  readonly #expected: ReadonlySet<string>;
  readonly #counts = new Map<string, number>();
  #interrupted = 0;

  /** @param expected error codes of the client and SQLSTATEs */
  constructor(expected: readonly string[]) {
    this.#expected = new Set(expected);
  }

  countOf(code: string): number {
    return this.#counts.get(code) ?? 0;
  }

  /** How many acts failed at the first attempt, with an expected error. */
  get interrupted(): number {
    return this.#interrupted;
  }

  /** Repeats `act` as long as it fails with an expected error. */
  async persist<T>(act: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    for (let n = 0; ; n++)
      try {
        return await act();
      } catch (error) {
        const code = codeOf(error);
        if (!this.#expected.has(code) || performance.now() - begun > PATIENCE_MS) throw error;
        this.#counts.set(code, this.countOf(code) + 1);
        if (n === 0) this.#interrupted++;
        await setTimeout(BACKOFF_MS);
      }
  }
}

/** The SQLSTATE, or the error code of the client or of Node. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
