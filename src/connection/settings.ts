import { setting } from "../errors/database-url/parameters.js";

/**
 * Settings that our sessions depend on; they override those of the role, the database and the URL. Functions, operators and types come from
 * pg_catalog, so that no other role's objects run with our rights (CVE-2018-1058). No timeout ends a
 * schema migration that waits for its turn. What the server writes as text reads the same everywhere.
 */
const SETTINGS = {
  search_path: "pg_catalog, pg_temp",
  statement_timeout: "0",
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  default_transaction_isolation: "read committed",
  default_transaction_read_only: "off",
  default_transaction_deferrable: "off",
  DateStyle: "ISO",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  bytea_output: "hex",
  extra_float_digits: "1",
  standard_conforming_strings: "on",
  quote_all_identifiers: "off",
  transform_null_equals: "off",
  array_nulls: "on",
  row_security: "on",
};

export const NO_TRANSACTION_TIMEOUT = setting("transaction_timeout", "0");

/** Joins the `options` of the user and ours, which come last and so win. */
export function startupOptions(ofUser: string): string {
  const ours = Object.entries(SETTINGS).map(([name, value]) => setting(name, value));
  return [ofUser, ...ours].filter(Boolean).join(" ");
}

/**
 * Statements that a transaction begins with. A pooler may not pass `options` on, and may give each transaction another
 * server connection. Only here can a setting be named that older servers do not have.
 */
export const LOCAL_SETTINGS = [
  ...Object.entries(SETTINGS).map(([name, value]) => `set local ${name} to ${literal(name, value)}`),
  "select pg_catalog.set_config(s.name, '0', true) from pg_catalog.pg_settings as s where s.name = 'transaction_timeout'",
].join(";\n");

/**
 * Writes the statements that begin a transaction with our settings.
 *
 * @param mode how the transaction begins: `isolation level …`, `read only` or `read write`
 */
export function beginning(mode: string): string {
  return `begin ${mode};\n${LOCAL_SETTINGS}`;
}

/** Quotes the value of a setting, but for the list of schemas in search_path. */
function literal(name: string, value: string): string {
  return name === "search_path" ? value : `'${value}'`;
}
