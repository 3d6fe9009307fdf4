/**
 * For services: a function for each verb and each view, and {@link vmstate}, which has them all bound to one client.
 *
 * @module vmstate
 */

export * from "./client/access.js";
export * from "./client/results.js";
export { vmstate, type Vmstate, type VmstateOptions } from "./client/bind.js";
export { assertCompatible } from "./client/compatibility.js";
export { type DrizzleClient, fromDrizzle } from "./client/adapters/drizzle.js";
export { fromKysely, type KyselyClient } from "./client/adapters/kysely.js";
export { fromPg, type PgClient } from "./client/adapters/pg.js";
export { fromPrisma, type PrismaClient } from "./client/adapters/prisma.js";
export { withCause } from "./client/cause.js";
export * from "./client/control-plane.js";
export type { FinishedCall } from "./client/finished-call.js";
export type * from "./client/deprecated.js";
export {
  ConnectionError,
  DatabaseError,
  DeadlockError,
  ImmutableColumnError,
  InvalidArgumentError,
  InvalidTransitionError,
  LockTimeoutError,
  OldGenerationError,
  PermissionDeniedError,
  ProtectedRowError,
  QueryCanceledError,
  SerializationError,
  TooManyConnectionsError,
} from "./errors/call-errors.js";
export { isRetryable } from "./errors/retryable.js";
export { IncompatibleDatabaseError, type IncompatibleReason, VmstateError } from "./errors/vmstate-error.js";
export type * from "./client/generated.js";
export * from "./client/history-views.js";
export * from "./client/history.js";
export * from "./client/operator.js";
export { reporter, type Reporter, type ReporterOptions } from "./client/reporter.js";
export type { PostgresClient, QueryClient, SqlClient } from "./client/sql-client.js";
export * from "./client/sled-agent.js";
export { type SledDigest, sledDigest, type SledVmm } from "./client/sled-digest.js";
export * from "./client/update-saga.js";
export * from "./client/views.js";

/** @deprecated Import it from `vmstate/migrate`, where `migrate` is. */
export type MigrateOptions = import("./schema/migrate.js").MigrateOptions;
