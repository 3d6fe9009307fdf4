import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { type FinishedCall, vmstate } from "../../src/index.js";
import { running } from "../sql/scenario.js";
import { withDatabase } from "../support/database.js";

const db = withDatabase();

function listening(): { vm: ReturnType<typeof vmstate>; calls: FinishedCall[] } {
  const calls: FinishedCall[] = [];
  return { vm: vmstate(db.sql, { onCall: (call) => calls.push(call) }), calls };
}

it("hears the outcome and the reason of each call", async () => {
  const { vm, calls } = listening();
  const { instanceId, propolisId } = await running(db.sql);
  await vm.requestStop({ instanceId });
  await vm.deleteVmm({ instanceId, propolisId });
  await vm.reportVmm({ instanceId, propolisId, state: "stopping", generation: 9, time: new Date() });
  await vm.requestStop({ instanceId: randomUUID() });
  expect(calls.map(({ durationMs, ...call }) => ({ ...call, took: durationMs > 0 }))).toEqual([
    { name: "requestStop", outcome: "applied", reason: null, code: null, took: true },
    { name: "deleteVmm", outcome: "conflict", reason: "linked", code: null, took: true },
    { name: "reportVmm", outcome: "applied", reason: null, code: null, took: true },
    { name: "requestStop", outcome: "not_found", reason: null, code: null, took: true },
  ]);
});

it("hears a list as a call without an outcome", async () => {
  const { vm, calls } = listening();
  await vm.pendingUpdates();
  expect(calls).toMatchObject([{ name: "pendingUpdates", outcome: null, reason: null, code: null }]);
});

it("hears the code of a refusal by the client, by the database and by a lost connection", async () => {
  const { vm, calls } = listening();
  const refused = { name: "x".repeat(64), projectId: randomUUID(), intendedState: "running" } as const;
  await expect(vm.createInstance({ ...refused, instanceId: randomUUID() })).rejects.toThrow();
  await expect(vm.createInstance({} as never)).rejects.toThrow();
  const lost = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  const onCall = (call: FinishedCall): void => void calls.push(call);
  const query = (): Promise<object[]> => Promise.reject(lost);
  await expect(vmstate({ query }, { onCall }).stuckInstances()).rejects.toThrow();
  expect(calls.map(({ code, outcome }) => [code, outcome])).toEqual([
    ["VM001", null],
    ["VM001", null],
    ["ECONNRESET", null],
  ]);
});

it("hears the name of an error that has no code", async () => {
  const calls: FinishedCall[] = [];
  const onCall = (call: FinishedCall): void => void calls.push(call);
  const broken = vmstate({ query: () => Promise.reject(new TypeError("broken")) }, { onCall });
  await expect(broken.stuckInstances()).rejects.toThrow("broken");
  // What is no Error at all arrives here as it was thrown.
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
  const odd = vmstate({ query: () => Promise.reject("odd") }, { onCall });
  await expect(odd.stuckInstances()).rejects.toBe("odd");
  expect(calls.map(({ code }) => code)).toEqual(["TypeError", "Error"]);
});

it("goes on when the listener throws", async () => {
  const vm = vmstate(db.sql, {
    onCall: () => {
      throw new Error("a fault of the listener");
    },
  });
  expect(await vm.requestStop({ instanceId: randomUUID() })).toMatchObject({ outcome: "not_found" });
});

it("hears no argument, row or text of an error", async () => {
  const { vm, calls } = listening();
  const marked = `marked-${randomUUID()}`;
  const [instanceId, projectId] = [randomUUID(), randomUUID()];
  await vm.createInstance({ instanceId, projectId, name: marked, intendedState: "running" });
  await vm.apiInstance({ instanceId });
  await expect(vm.renameInstance({ instanceId, name: marked.repeat(2) })).rejects.toThrow("p_name");
  const heard = JSON.stringify(calls);
  expect(calls).toHaveLength(3);
  for (const secret of [marked, instanceId, projectId]) expect(heard).not.toContain(secret);
});
