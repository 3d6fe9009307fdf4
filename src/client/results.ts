import type {
  CommandResult,
  FailResult,
  FailSledRow,
  InstanceResult,
  MaintenanceResult,
  Outcome,
  PastInstanceResult,
  PurgeRow,
  ReportVmmsRow,
  SledResult,
  StartResult,
  UpdateResult,
  VmmAddress,
  VmmResult,
  VmmState,
} from "./generated.js";

/** A row with one of these outcomes, and the reason that goes with it. */
type Result<O extends Outcome, Reason extends string | null, Row> = Omit<Row, "outcome" | "reason"> & {
  outcome: O;
  reason: Reason;
};

/** A row whose columns are all null. */
type Absent<Row> = { [K in keyof Row]: null };

/** A row in which the named columns are not null. */
type Present<Row, K extends keyof Row> = Omit<Row, K> & { [P in K]: NonNullable<Row[P]> };

type InstanceColumns = "instanceId" | "apiState" | "state" | "stateGeneration";

/** What every verb on an instance answers; `Conflict` names the reasons of a conflict. */
type OnInstance<Row extends InstanceResult, Conflict extends string, Columns extends keyof Row> =
  | Result<"applied" | "unchanged", null, Present<Row, Columns>>
  | Result<"gone", null, Present<Row, Columns>>
  | ([Conflict] extends [never] ? never : Result<"conflict", Conflict, Present<Row, Columns>>)
  | Result<"not_found", null, Absent<Row>>;

type OnInstanceOnly<Conflict extends string = never> = OnInstance<InstanceResult, Conflict, InstanceColumns>;

/** On a conflict no row was created, so all its columns are null. */
export type CreateInstanceResult =
  | Result<"applied" | "unchanged" | "gone", null, Present<InstanceResult, InstanceColumns>>
  | Result<"conflict", "name_taken" | "instance_id_taken", Absent<InstanceResult>>;
export type FinishInstanceCreationResult = OnInstanceOnly;
export type ConfigureInstanceResult = OnInstanceOnly;
export type RenameInstanceResult = OnInstanceOnly<"name_taken">;
export type BeginStartResult = OnInstance<
  StartResult,
  | "creating"
  | "already_started"
  | "not_stopped"
  | "stale_generation"
  | "restart_not_permitted"
  | "propolis_id_taken",
  InstanceColumns
>;
export type BeginMigrationResult = OnInstanceOnly<
  | "not_running"
  | "wrong_source"
  | "migration_in_progress"
  | "same_sled"
  | "stale_generation"
  | "propolis_id_taken"
  | "migration_id_taken"
>;
type OnCommandedInstance<Conflict extends string> =
  | Exclude<
      OnInstance<CommandResult, Conflict, InstanceColumns | "commandPropolisIds" | "commandVmms">,
      { outcome: "not_found" }
    >
  | Result<
      "not_found",
      null,
      Absent<Omit<CommandResult, "commandPropolisIds" | "commandVmms">> & {
        commandPropolisIds: string[];
        commandVmms: VmmAddress[];
      }
    >;
export type RequestStopResult = OnCommandedInstance<"creating">;
export type RequestRebootResult = OnCommandedInstance<"not_running">;
export type DeleteInstanceResult = OnInstanceOnly<"not_stopped">;

type OnVmm<Conflict extends string> =
  | Result<"applied" | "unchanged", null, Present<VmmResult, "state" | "stateGeneration">>
  | Result<"gone", null, Present<VmmResult, "state" | "stateGeneration">>
  | Result<"conflict", Conflict, Present<VmmResult, "state" | "stateGeneration">>
  | Result<"not_found", null, Absent<VmmResult>>;

export type UnwindStartResult = OnVmm<"wrong_saga" | "migration_destination" | "handed_over">;
export type UnwindMigrationResult = OnVmm<"wrong_saga" | "handed_over">;
export type DeleteVmmResult = OnVmm<"linked" | "not_destroyable">;

export type FailVmmResult =
  | Result<
      "applied" | "terminal" | "gone",
      null,
      Present<FailResult, "state" | "stateGeneration" | "updateNeeded">
    >
  | Result<"conflict", "stale_generation", Present<FailResult, "state" | "stateGeneration" | "updateNeeded">>
  | Result<"not_found", null, Absent<Omit<FailResult, "updateNeeded">> & { updateNeeded: false }>;

/** A VMM that `failSled` or `failSledVmms` failed. */
export interface FailedVmm extends FailSledRow {
  outcome: "applied";
  reason: null;
  instanceId: string;
  propolisId: string;
  state: "failed";
  stateGeneration: number;
  updateNeeded: boolean;
}

type PlanColumns =
  | "updaterGeneration"
  | "newState"
  | "newIntendedState"
  | "network"
  | "unlinkedPropolisIds"
  | "terminatePropolisIds"
  | "unlinkedVmms"
  | "terminateVmms"
  | "planToken";

/** `network`: keep it as it is, move it to the new active VMM, or delete it. */
type PlanRow = Omit<UpdateResult, "network"> & { network: "keep" | "move" | "delete" | null };

type OnPlannedInstance<Conflict extends string> = OnInstance<
  PlanRow,
  Conflict,
  InstanceColumns | PlanColumns
>;

export type BeginUpdateResult = OnPlannedInstance<"locked">;
export type InheritUpdateResult = OnPlannedInstance<"lock_lost">;
export type RunUpdateResult = OnPlannedInstance<"locked">;
export type ExplainUpdateResult = OnPlannedInstance<never>;
export type CommitUpdateResult = OnInstanceOnly<"lock_lost" | "stale_generation" | "plan_changed">;
export type UnlockUpdateResult = OnInstanceOnly<"lock_lost">;
export type BreakUpdateResult = OnInstanceOnly<"lock_lost">;

/** How many rows a call of `purge` deleted; `leftOver`: more were due, so call it again. */
export type PurgeResult = Present<PurgeRow, keyof PurgeRow>;

type MaintenanceCounts = Present<MaintenanceResult, "created" | "dropped" | "deleted">;

/** What a call of `maintainHistory` did; on a conflict, what it did stays done, and the next call does the rest. */
export type MaintainHistoryResult =
  | Result<"applied" | "unchanged", null, MaintenanceCounts>
  | Result<"conflict", "locked" | "default_full", MaintenanceCounts>;

/** An instance as it was; `gone`: as a deleted one. */
export type InstanceAtResult =
  | Result<"applied" | "gone", null, Present<PastInstanceResult, "apiState" | "state" | "intendedState">>
  | Result<"conflict", "not_recorded", Absent<PastInstanceResult>>
  | Result<"not_found", null, Absent<PastInstanceResult>>;

type ReportOutcome = Extract<Outcome, "applied" | "stale" | "terminal" | "gone" | "not_found">;

/** What became of a report; an outcome of a migration is null when the report has no such part. */
export type ReportVmmResult = {
  migrationInOutcome: ReportOutcome | "wrong_side" | null;
  migrationOutOutcome: ReportOutcome | "wrong_side" | null;
  /** This very report made a linked row terminal: run the update saga. */
  updateNeeded: boolean;
} & (
  | { vmmOutcome: Exclude<ReportOutcome, "not_found">; state: VmmState; stateGeneration: number }
  | { vmmOutcome: "not_found"; state: null; stateGeneration: null }
);

/** The columns of the instance in the answer of `settle`: null if `settle` did not run the update. */
type InstanceOfSettlement = Omit<PlanRow, "outcome" | "reason">;

type UpdateOfSettlement = Present<InstanceOfSettlement, InstanceColumns | PlanColumns> &
  (
    | { updateOutcome: "applied" | "unchanged" | "gone"; updateReason: null }
    | { updateOutcome: "conflict"; updateReason: "locked" }
  );

/** The deletion is null if `delete` was false. */
type DeletionOfSettlement =
  | { deleteOutcome: "applied" | "unchanged" | null; deleteReason: null }
  | { deleteOutcome: "conflict"; deleteReason: "linked" };

type ReportAlone = Absent<InstanceOfSettlement> & {
  updateOutcome: null;
  updateReason: null;
  deleteOutcome: null;
  deleteReason: null;
};

/** What became of the three parts of `settle`; unless the VMM has ended, only the report was made. */
export type SettleResult =
  | ({
      vmmOutcome: "applied" | "terminal" | "gone";
      vmmState: VmmState;
      vmmStateGeneration: number;
    } & UpdateOfSettlement &
      DeletionOfSettlement)
  | ({
      vmmOutcome: Exclude<ReportOutcome, "not_found">;
      vmmState: VmmState;
      vmmStateGeneration: number;
    } & ReportAlone)
  | ({ vmmOutcome: "not_found"; vmmState: null; vmmStateGeneration: null } & ReportAlone);

/** What became of one report of a batch; `ordinal` is its place in it, from 1. */
export type ReportVmmsResult = ReportVmmResult &
  Present<
    Pick<ReportVmmsRow, "ordinal" | "instanceId" | "propolisId">,
    "ordinal" | "instanceId" | "propolisId"
  >;

/** Whether a sled has the VMMs that the database has; `timeAgreed` is null if the sled never had them. */
export type ReportSledResult =
  | Result<"applied", null, Present<SledResult, "sledId" | "vmmCount" | "timeReported" | "timeAgreed">>
  | Result<"conflict", "differs", Present<SledResult, "sledId" | "vmmCount" | "timeReported">>;
