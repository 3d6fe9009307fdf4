import type { Act } from "../act.js";
import { start } from "../calls.js";

/** Rule 1: a start replaces an unwound VMM. */
export const nextStart: Act = {
  title: "2  The next start needs no clean-up",
  rules: "rule 1",
  async play(stage) {
    await start(stage, "saga-2", "B", "sled-2");
    await stage.picture();
    stage.why("B took A's place in one write. Nobody had to set the link to NULL in between.");
  },
};
