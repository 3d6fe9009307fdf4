import { describe, expect, it } from "vitest";
import { failVmm } from "../../../src/index.js";
import { stopped } from "../scenario.js";
import { newStage } from "./stage.js";

const stage = newStage();
const { race } = stage;

describe("a link written by hand", () => {
  it("waits for the end of the VMM it names, and is refused", async () => {
    const s = await stopped(stage.sql);
    const [row] = await stage.sql<{ id: string }[]>`
      insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id)
        select ${s.instanceId}, id, id, 'fd00::9', id from gen_random_uuid() as id
        returning id`;
    const propolisId = String(row?.id);

    const { second, waited } = await race(
      (sql) => failVmm(sql, { instanceId: s.instanceId, propolisId, reason: "operator" }),
      (sql) =>
        sql`update vmstate.instance
          set state = 'vmm', state_generation = state_generation + 1, active_propolis_id = ${propolisId}
          where id = ${s.instanceId}`.catch((error: unknown) => error),
    );

    expect(waited).toBe("vmm");
    expect(second).toMatchObject({ code: "VM104" });
  });
});
