/**
 * For tests of what calls vmstate: a migrated database for each, and instances in a named state.
 *
 * @module vmstate/testing
 */

export { VmstateError } from "../errors/vmstate-error.js";
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from "./create.js";
export type { Fixture, FixtureMigration, FixtureOptions } from "./fixtures/fixture.js";
export * from "./fixtures/fixtures.js";
