/**
 * For deployments: to migrate a database, and to ask what state it is in.
 *
 * @module vmstate/migrate
 */

export type { Difference } from "./drift/compare.js";
export { findDrift } from "./drift/find-drift.js";
export { VmstateError } from "../errors/vmstate-error.js";
export { migrate, type MigrateOptions } from "./migrate.js";
export type { Migration } from "./files.js";
export { migrationStatus, type MigrationStatus, pendingMigrations, sqlOf } from "./status.js";
