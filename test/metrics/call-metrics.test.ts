import { randomUUID } from "node:crypto";
import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { vmstate } from "../../src/index.js";
import { callMetrics } from "../../src/metrics/index.js";
import { withDatabase } from "../support/database.js";

const db = withDatabase();

it("counts calls by verb, outcome and reason, and times them", async () => {
  const { registry, onCall } = await callMetrics();
  const vm = vmstate(db.sql, { onCall });
  const instanceId = randomUUID();
  await vm.createInstance({ instanceId, projectId: randomUUID(), name: "web", intendedState: "running" });
  await vm.requestReboot({ instanceId });
  await vm.stuckInstances();
  await expect(vm.renameInstance({ instanceId, name: "" })).rejects.toThrow();
  const text = await registry.metrics();
  expect(text.split("\n").filter((line) => line.startsWith("vmstate_calls_total"))).toEqual([
    'vmstate_calls_total{verb="create_instance",outcome="applied",reason=""} 1',
    'vmstate_calls_total{verb="request_reboot",outcome="conflict",reason="not_running"} 1',
    'vmstate_calls_total{verb="stuck_instances",outcome="answered",reason=""} 1',
    'vmstate_calls_total{verb="rename_instance",outcome="error",reason="VM001"} 1',
  ]);
  expect(text).toContain('vmstate_call_duration_seconds_count{verb="create_instance",outcome="applied"} 1');
  expect(text).not.toContain(instanceId);
});

it("registers its metrics where the service has its own", async () => {
  const own = new Registry();
  const { registry, onCall } = await callMetrics({ registry: own });
  onCall({ name: "runUpdate", durationMs: 3, outcome: "applied", reason: null, code: null });
  expect(registry).toBe(own);
  expect(await own.metrics()).toContain('le="0.004"');
});
