import { callForRow } from "./call.js";
import type { InstanceAtArguments, MaintainHistoryArguments } from "./generated.js";
import { timeText } from "./parameters.js";
import type { InstanceAtResult, MaintainHistoryResult } from "./results.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

/**
 * Reads an instance and its VMMs as they were at a time.
 *
 * Pass a `time` of the history as it is: a `Date` has milliseconds, and would ask for a moment before the change.
 */
export function instanceAt(sql: SqlClient, a: InstanceAtArguments): Promise<InstanceAtResult> {
  return callForRow(
    sql,
    "instanceAt",
    a,
    () => statement`select pg_catalog.to_json(vmstate.instance_at(
    p_instance_id => ${a.instanceId}, p_time => ${timeText(a.time)}::pg_catalog.text::pg_catalog.timestamptz))::pg_catalog.text`,
  );
}

/**
 * Makes the partitions of the history that come next, and drops what is older than `keep`.
 *
 * Call it once an hour or a day, outside of a transaction. `keep` is 90 days if left out, `width` 7 days.
 */
export function maintainHistory(sql: SqlClient, a: MaintainHistoryArguments): Promise<MaintainHistoryResult> {
  return callForRow(
    sql,
    "maintainHistory",
    a,
    () => statement`select pg_catalog.to_json(vmstate.maintain_history(
    p_keep => ${a.keep ?? "90 days"}, p_width => ${a.width ?? "7 days"}, p_force => ${a.force ?? false}::pg_catalog.text::pg_catalog.bool))::pg_catalog.text`,
  );
}
