import type fc from "fast-check";
import type { Routine } from "./catalog.js";
import type { Act, ClientName } from "./rollback-database.js";

/** A kind of thing to call. */
export type Kind = "verb" | "function" | "view" | "table" | "wrapper";

/** Something to call, and all the ways to call it. */
export interface Target {
  kind: Kind;
  name: string;
  /** How many values a call of it may take. */
  size: number;
  /** Whether there is anything that it accepts. */
  accepts: boolean;
  cases: fc.Arbitrary<CallCase>;
}

/** One call. */
export interface CallCase {
  /** How a person would make it. */
  title: () => string;
  client: ClientName;
  act: Act;
  /** The public function that answers, if it is one. */
  verb?: Routine;
  /** Whether only vmstate's own functions read its errors. */
  internal?: boolean;
  /** Whether it may write at all. */
  writes: boolean;
  /** Whether an error with such a code is a proper one, besides those that are proper everywhere. */
  mayFailWith: (code: string) => boolean;
  /** Whether a wrapper may refuse the call before anything is sent. */
  mayBeUnsent?: () => boolean;
}

/** The call did something else than it says. */
export class RoundTripError extends Error {}

/** The function threw where it should have returned a promise that rejects. */
export class ThrownAtOnce extends Error {}
