/**
 * For services that query the tables and views of vmstate themselves: rows with the columns as the database names them, and
 * the interface {@link DB} for Kysely.
 *
 * @module vmstate/kysely
 */

export { fromKysely, type KyselyClient } from "../client/adapters/kysely.js";
export type {
  ClientTypes,
  OnlyFunctionsWrite,
  PgInterval,
  PgTypes,
  PostgresTypes,
  ReadOnly,
} from "./client-types.js";
export type * from "./tables.js";
