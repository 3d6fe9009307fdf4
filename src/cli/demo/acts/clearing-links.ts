import { requestStop } from "../../../client/control-plane.js";
import { runUpdate } from "../../../client/update-saga.js";
import type { Act } from "../act.js";
import { report } from "../calls.js";

const SHORT_CUT = `UPDATE vmstate.instance
  SET state = 'no_vmm', active_propolis_id = NULL,
    state_generation = state_generation + 1
  WHERE id = $1`;

/** Rule 6, for a person in psql too. */
export const clearingLinks: Act = {
  title: "7  Only the update saga clears links",
  rules: "rule 6",
  async play(stage) {
    stage.why("Somebody in psql takes a short cut, with the generation raised and the state to match:");
    await stage.refusedSql(SHORT_CUT, [stage.id("web")]);
    stage.why("Triggers guard the rows, whoever writes. The right way: ask, wait for the sled, update.");
    await stage.call(requestStop, { instanceId: stage.id("web") });
    await report(stage, "E", "destroyed", 4);
    await stage.call(runUpdate, { instanceId: stage.id("web"), sagaId: stage.id("update-3") });
    await stage.picture();
    stage.why("The guest stopped because its VMM is gone, and the rows say so.");
  },
};
