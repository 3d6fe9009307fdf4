import type { FailedVmm, FailVmmAnswer } from "./answers.js";
import type { FailSledArguments, FailVmmArguments } from "./generated.js";
import { manyRows, oneRow, type SqlClient } from "./rows.js";

/** Declares a VMM dead: it becomes `failed`. `expectedGeneration` is the VMM's. */
export function failVmm(sql: SqlClient, a: FailVmmArguments): Promise<FailVmmAnswer> {
  return oneRow(sql`select pg_catalog.to_json(vmstate.fail_vmm(
    p_instance_id => ${a.instanceId}, p_propolis_id => ${a.propolisId}, p_reason => ${a.reason},
    p_expected_generation => ${a.expectedGeneration ?? null}))::pg_catalog.text`);
}

/** Declares a host dead: every live VMM on the sled becomes `failed`. One row for each that it failed. */
export function failSled(sql: SqlClient, a: FailSledArguments): Promise<FailedVmm[]> {
  return manyRows(sql`select pg_catalog.row_to_json(r)::pg_catalog.text from vmstate.fail_sled(
    p_sled_id => ${a.sledId}, p_reason => ${a.reason}) as r`);
}
