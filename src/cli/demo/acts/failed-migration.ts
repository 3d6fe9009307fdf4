import { unwindMigration } from "../../../client/control-plane.js";
import type { Act } from "../act.js";
import { migrateTo, report, start } from "../calls.js";

/** Rule 3, and rule 1 for a destination. */
export const failedMigration: Act = {
  title: "4  A migration fails half-way",
  rules: "rules 1, 3",
  async play(stage) {
    await start(stage, "saga-3", "C", "sled-1");
    await report(stage, "C", "running", 2);
    await migrateTo(stage, { saga: "saga-4", migration: "move-1", from: "C", to: "D", sled: "sled-2" });
    await stage.picture();
    await stage.call(unwindMigration, {
      instanceId: stage.id("web"),
      sagaId: stage.id("saga-4"),
      migrationId: stage.id("move-1"),
    });
    await stage.picture();
    stage.why(
      "An unwound destination changes nothing for the user: the guest runs on C as before. The next migration takes its place directly, as a start does:",
    );
    await migrateTo(stage, { saga: "saga-5", migration: "move-2", from: "C", to: "E", sled: "sled-3" });
  },
};
