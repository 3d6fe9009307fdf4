import type { Alternative } from "../alternatives/alternative.js";
import type { Stage } from "./case.js";

/** Those with something of their own to show when many write at once. */
export function writersAmong({ wide }: Stage): Alternative[] {
  const others = ["vmstate, updater lock", "select report_vmm(…)", "bare statement, vmstate's table"];
  return wide.all.filter(({ name }) => !others.includes(name));
}
