import type postgres from "postgres";
import type { ExplainUpdateResult } from "../../client/results.js";
import { explainUpdate } from "../../client/update-saga.js";
import { apiInstance, apiVmms } from "../../client/views.js";
import { type BothSides, noInstance } from "./instance-rows.js";

/** An instance as far as a role without rights on tables sees it. */
export interface PublicSide {
  api: BothSides["api"];
  rows: null;
  /** What `explain_update` answers: the instance's own state and links, and its update lock. */
  update: Exclude<ExplainUpdateResult, { outcome: "not_found" }>;
}

/**
 * Reads an instance as far as a role without rights on tables may.
 *
 * @throws VmstateError when the instance never existed
 */
export async function readPublicSide(sql: postgres.TransactionSql, instanceId: string): Promise<PublicSide> {
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
