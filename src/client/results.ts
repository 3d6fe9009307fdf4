import type {
  CommandResult,
  FailResult,
  FailSledRow,
  InstanceResult,
  Outcome,
  PurgeRow,
  ReportVmmsRow,
  StartResult,
  UpdateResult,
  VmmResult,
  VmmState,
} from "./generated.js";

/** One outcome, or several that are answered alike, of a row type. */
type Answer<O extends Outcome, Reason extends string | null, Row> = Omit<Row, "outcome" | "reason"> & {
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
  | Answer<"applied" | "unchanged", null, Present<Row, Columns>>
  | Answer<"gone", null, Present<Row, Columns>>
  | ([Conflict] extends [never] ? never : Answer<"conflict", Conflict, Present<Row, Columns>>)
  | Answer<"not_found", null, Absent<Row>>;

type InstanceAnswer<Conflict extends string = never> = OnInstance<InstanceResult, Conflict, InstanceColumns>;

/** Of a conflict, the row that was not created: all null. */
export type CreateInstanceAnswer =
  | Answer<"applied" | "unchanged" | "gone", null, Present<InstanceResult, InstanceColumns>>
  | Answer<"conflict", "name_taken" | "instance_id_taken", Absent<InstanceResult>>;
export type FinishInstanceCreationAnswer = InstanceAnswer;
export type ConfigureInstanceAnswer = InstanceAnswer;
export type RenameInstanceAnswer = InstanceAnswer<"name_taken">;
export type BeginStartAnswer = OnInstance<
  StartResult,
  | "creating"
  | "already_started"
  | "not_stopped"
  | "stale_generation"
  | "restart_not_permitted"
  | "propolis_id_taken",
  InstanceColumns
>;
export type BeginMigrationAnswer = InstanceAnswer<
  | "not_running"
  | "wrong_source"
  | "migration_in_progress"
  | "same_sled"
  | "stale_generation"
  | "propolis_id_taken"
  | "migration_id_taken"
>;
type CommandAnswer<Conflict extends string> =
  | Exclude<
      OnInstance<CommandResult, Conflict, InstanceColumns | "commandPropolisIds">,
      { outcome: "not_found" }
    >
  | Answer<
      "not_found",
      null,
      Absent<Omit<CommandResult, "commandPropolisIds">> & { commandPropolisIds: string[] }
    >;
export type RequestStopAnswer = CommandAnswer<"creating">;
export type RequestRebootAnswer = CommandAnswer<"not_running">;
export type DeleteInstanceAnswer = InstanceAnswer<"not_stopped">;

type OnVmm<Conflict extends string> =
  | Answer<"applied" | "unchanged", null, Present<VmmResult, "state" | "stateGeneration">>
  | Answer<"gone", null, Present<VmmResult, "state" | "stateGeneration">>
  | Answer<"conflict", Conflict, Present<VmmResult, "state" | "stateGeneration">>
  | Answer<"not_found", null, Absent<VmmResult>>;

export type UnwindStartAnswer = OnVmm<"wrong_saga" | "migration_destination" | "handed_over">;
export type UnwindMigrationAnswer = OnVmm<"wrong_saga" | "handed_over">;
export type DeleteVmmAnswer = OnVmm<"linked" | "not_destroyable">;

export type FailVmmAnswer =
  | Answer<
      "applied" | "terminal" | "gone",
      null,
      Present<FailResult, "state" | "stateGeneration" | "updateNeeded">
    >
  | Answer<"conflict", "stale_generation", Present<FailResult, "state" | "stateGeneration" | "updateNeeded">>
  | Answer<"not_found", null, Absent<Omit<FailResult, "updateNeeded">> & { updateNeeded: false }>;

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
  | "planToken";

/** `network`: keep it as it is, move it to the new active VMM, or delete it. */
type PlanRow = Omit<UpdateResult, "network"> & { network: "keep" | "move" | "delete" | null };

type PlanAnswer<Conflict extends string> = OnInstance<PlanRow, Conflict, InstanceColumns | PlanColumns>;

export type BeginUpdateAnswer = PlanAnswer<"locked">;
export type InheritUpdateAnswer = PlanAnswer<"lock_lost">;
export type RunUpdateAnswer = PlanAnswer<"locked">;
export type ExplainUpdateAnswer = PlanAnswer<never>;
export type CommitUpdateAnswer = InstanceAnswer<"lock_lost" | "stale_generation" | "plan_changed">;
export type UnlockUpdateAnswer = InstanceAnswer<"lock_lost">;
export type BreakUpdateAnswer = InstanceAnswer<"lock_lost">;

/** How many rows a call of `purge` deleted; `leftOver`: more were due, so call it again. */
export type PurgeAnswer = Present<PurgeRow, keyof PurgeRow>;

type ReportOutcome = Extract<Outcome, "applied" | "stale" | "terminal" | "gone" | "not_found">;

/** What became of a report; an outcome of a migration is null when the report has no such part. */
export type ReportVmmAnswer = {
  migrationInOutcome: ReportOutcome | "wrong_side" | null;
  migrationOutOutcome: ReportOutcome | "wrong_side" | null;
  /** This very report made a linked row terminal: run the update saga. */
  updateNeeded: boolean;
} & (
  | { vmmOutcome: Exclude<ReportOutcome, "not_found">; state: VmmState; stateGeneration: number }
  | { vmmOutcome: "not_found"; state: null; stateGeneration: null }
);

/** What became of one report of a batch; `ordinal` is its place in it, from 1. */
export type ReportVmmsAnswer = ReportVmmAnswer &
  Present<
    Pick<ReportVmmsRow, "ordinal" | "instanceId" | "propolisId">,
    "ordinal" | "instanceId" | "propolisId"
  >;
