import type { AccessResult } from "./access.js";
import type {
  BeginMigrationResult,
  BeginStartResult,
  BeginUpdateResult,
  CommitUpdateResult,
  ConfigureInstanceResult,
  CreateInstanceResult,
  DeleteInstanceResult,
  DeleteVmmResult,
  ExplainUpdateResult,
  FailVmmResult,
  FinishInstanceCreationResult,
  InheritUpdateResult,
  ReportVmmResult,
  ReportVmmsResult,
  RequestRebootResult,
  RequestStopResult,
  RunUpdateResult,
  UnlockUpdateResult,
  UnwindMigrationResult,
  UnwindStartResult,
} from "./results.js";

/** @deprecated Use {@link AccessResult}. */
export type AccessAnswer = AccessResult;
/** @deprecated Use {@link BeginMigrationResult}. */
export type BeginMigrationAnswer = BeginMigrationResult;
/** @deprecated Use {@link BeginStartResult}. */
export type BeginStartAnswer = BeginStartResult;
/** @deprecated Use {@link BeginUpdateResult}. */
export type BeginUpdateAnswer = BeginUpdateResult;
/** @deprecated Use {@link CommitUpdateResult}. */
export type CommitUpdateAnswer = CommitUpdateResult;
/** @deprecated Use {@link ConfigureInstanceResult}. */
export type ConfigureInstanceAnswer = ConfigureInstanceResult;
/** @deprecated Use {@link CreateInstanceResult}. */
export type CreateInstanceAnswer = CreateInstanceResult;
/** @deprecated Use {@link DeleteInstanceResult}. */
export type DeleteInstanceAnswer = DeleteInstanceResult;
/** @deprecated Use {@link DeleteVmmResult}. */
export type DeleteVmmAnswer = DeleteVmmResult;
/** @deprecated Use {@link ExplainUpdateResult}. */
export type ExplainUpdateAnswer = ExplainUpdateResult;
/** @deprecated Use {@link FailVmmResult}. */
export type FailVmmAnswer = FailVmmResult;
/** @deprecated Use {@link FinishInstanceCreationResult}. */
export type FinishInstanceCreationAnswer = FinishInstanceCreationResult;
/** @deprecated Use {@link InheritUpdateResult}. */
export type InheritUpdateAnswer = InheritUpdateResult;
/** @deprecated Use {@link ReportVmmResult}. */
export type ReportVmmAnswer = ReportVmmResult;
/** @deprecated Use {@link ReportVmmsResult}. */
export type ReportVmmsAnswer = ReportVmmsResult;
/** @deprecated Use {@link RequestRebootResult}. */
export type RequestRebootAnswer = RequestRebootResult;
/** @deprecated Use {@link RequestStopResult}. */
export type RequestStopAnswer = RequestStopResult;
/** @deprecated Use {@link RunUpdateResult}. */
export type RunUpdateAnswer = RunUpdateResult;
/** @deprecated Use {@link UnlockUpdateResult}. */
export type UnlockUpdateAnswer = UnlockUpdateResult;
/** @deprecated Use {@link UnwindMigrationResult}. */
export type UnwindMigrationAnswer = UnwindMigrationResult;
/** @deprecated Use {@link UnwindStartResult}. */
export type UnwindStartAnswer = UnwindStartResult;
