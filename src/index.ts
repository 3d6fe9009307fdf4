/**
 * For services: a function for each verb and each view, and {@link vmstate}, which has them all bound to one client.
 *
 * @module vmstate
 */

export * from "./access.js";
export * from "./answers.js";
export { vmstate, type Vmstate } from "./bind.js";
export { assertCompatible } from "./compatibility.js";
export * from "./control-plane.js";
export { IncompatibleDatabaseError, type IncompatibleReason, VmstateError } from "./errors.js";
export type * from "./generated.js";
export { migrate, type MigrateOptions } from "./migrate.js";
export * from "./operator.js";
export type { SqlClient } from "./rows.js";
export * from "./sled-agent.js";
export * from "./update-saga.js";
export * from "./views.js";
