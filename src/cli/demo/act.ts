import type { Stage } from "./stage.js";

/** One part of the story. */
export interface Act {
  title: string;
  /** Which of the six rules it shows. */
  rules: string;
  play: (stage: Stage) => Promise<void>;
}
