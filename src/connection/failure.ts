import type { DatabaseUrl } from "../errors/database-url/url.js";
import { sqlStateOf } from "../errors/sql-state.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { CONNECT_TIMEOUT_S } from "./route.js";

/** Messages of `pg` for errors that have no code. */
const NO_TLS = "The server does not support SSL connections";
const NO_ANSWER_ABOUT_TLS = "There was an error establishing an SSL connection";
const TIMEOUT = "timeout expired";
const HANG_UP = "Connection terminated unexpectedly";

/** Says why no connection was made, if the error has one of the messages above; undefined for any other error. */
export function inWords(cause: unknown, { where, parameters }: DatabaseUrl): VmstateError | undefined {
  const words: Record<string, string> = {
    [NO_TLS]: `${where} does not offer TLS, which sslmode, sslnegotiation or channel_binding requires`,
    [TIMEOUT]: `no PostgreSQL answers at ${where} within ${parameters.connect_timeout ?? CONNECT_TIMEOUT_S} s`,
    [HANG_UP]: `no PostgreSQL answers at ${where}: the connection was closed`,
  };
  const text = words[messageOf(cause)];
  return text === undefined ? undefined : new VmstateError(text, { cause });
}

function messageOf(error: unknown): string {
  return String(error).replace(/^\w*error: /i, "");
}

/** Tells whether the server has no TLS, or did not answer when it was asked for TLS. */
export function isWithoutTls(error: unknown): boolean {
  return [NO_TLS, NO_ANSWER_ABOUT_TLS].includes(messageOf(error));
}

/** Tells whether pg_hba.conf, or one of the two sides of TLS, refused. */
export function isAboutTls(error: unknown): boolean {
  if (sqlStateOf(error) === "28000") return true;
  return /SSL|TLS|certificate/i.test(messageOf(error) + sqlStateOf(error));
}
