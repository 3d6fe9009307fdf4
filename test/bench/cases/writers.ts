import type { Alternative } from "../alternatives/alternative.js";
import type { Stage } from "./case.js";

/** Lists the alternatives, without those that behave like another one when many write at once. */
export function writersAmong({ wide }: Stage): Alternative[] {
  const others = ["vmstate, updater lock", "select report_vmm(…)", "bare statement, vmstate's table"];
  return wide.all.filter(({ name }) => !others.includes(name));
}
