import type postgres from "postgres";
import type { ExplainUpdateResult } from "../../client/results.js";
import { explainUpdate } from "../../client/update-saga.js";
import { apiInstance, apiVmms } from "../../client/views.js";
import { type InstanceWithRows, noInstance } from "./instance-rows.js";

/** An instance as far as a role without rights on tables sees it. */
export interface PublicInstance {
  api: InstanceWithRows["api"];
  rows: null;
  /** What `explain_update` answers: the instance's own state and links, and its updater lock. */
  update: Exclude<ExplainUpdateResult, { outcome: "not_found" }>;
}

/**
 * Reads an instance as far as a role without rights on tables may.
 *
 * @throws VmstateError when the instance never existed
 */
export async function readPublicInstance(
  sql: postgres.TransactionSql,
  instanceId: string,
): Promise<PublicInstance> {
  const update = await explainUpdate(sql, { instanceId });
  if (update.outcome === "not_found") return noInstance(instanceId);
  return {
    api: {
      instance: (await apiInstance(sql, { instanceId })) ?? null,
      vmms: await apiVmms(sql, { instanceId }),
    },
    rows: null,
    update,
  };
}
