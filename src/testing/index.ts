export { VmstateError } from "../errors.js";
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from "./create.js";
