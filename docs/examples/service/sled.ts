import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { ReportVmmArguments, Vmstate } from "vmstate";

/** What a sled is told about a VMM. */
export interface VmmIds {
  instanceId: string;
  propolisId: string;
}

const PERIOD_MS = 50;

/** A host and its agent. The guests are simulated: each step that a hypervisor takes is done at once. */
export class Sled {
  readonly id = randomUUID();
  readonly ip = "fd00::1";
  isFull = false;
  /** The latest state of each VMM, as the agent reports it. A real agent keeps the generations over its restart. */
  private readonly reports = new Map<string, ReportVmmArguments>();

  boot(vmm: VmmIds): void {
    if (this.isFull) throw new Error(`sled ${this.id} has no room for VMM ${vmm.propolisId}`);
    this.change(vmm, { state: "running" });
  }

  /** Takes a guest over from another sled, which lets it go. Both report their side of the migration. */
  receive(vmm: VmmIds, migrationId: string, source: { sled: Sled; propolisId: string }): void {
    this.boot(vmm);
    const time = new Date();
    this.change(vmm, {
      migrationInId: migrationId,
      migrationInState: "completed",
      migrationInGeneration: 2,
      migrationInTime: time,
    });
    source.sled.change(
      { instanceId: vmm.instanceId, propolisId: source.propolisId },
      {
        state: "destroyed",
        migrationOutId: migrationId,
        migrationOutState: "completed",
        migrationOutGeneration: 2,
        migrationOutTime: time,
      },
    );
  }

  /** Ends a VMM, if it is here. */
  terminate(propolisId: string): void {
    const last = this.reports.get(propolisId);
    if (last) this.change(last, { state: "destroyed" });
  }

  /** The agent's loop: reports all VMMs of the sled in one batch, and forgets those that have ended. */
  async report(vm: Vmstate, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const { propolisId, vmmOutcome, state } of await vm.reportVmms([...this.reports.values()])) {
        // The control plane gave the VMM up, so its guest must not run any longer.
        if (vmmOutcome === "terminal" || vmmOutcome === "gone" || state === "destroyed")
          this.reports.delete(propolisId);
      }
      await setTimeout(PERIOD_MS);
    }
  }

  /** A VMM begins at generation 1 in the database, so the first report says 2. */
  private change({ instanceId, propolisId }: VmmIds, change: Partial<ReportVmmArguments>): void {
    const first = { instanceId, propolisId, state: "starting", generation: 1 } as const;
    const last = this.reports.get(propolisId) ?? first;
    this.reports.set(propolisId, { ...last, ...change, generation: last.generation + 1, time: new Date() });
  }
}
