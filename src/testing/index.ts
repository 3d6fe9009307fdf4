/**
 * For tests of what calls vmstate: a migrated database for each.
 *
 * @module vmstate/testing
 */

export { VmstateError } from "../errors/vmstate-error.js";
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from "./create.js";
