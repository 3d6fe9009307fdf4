import { randomUUID } from "node:crypto";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { beforeEach, describe, expect, it } from "vitest";
import { vmstate, type Vmstate } from "../../src/index.js";
import { instrument } from "../../src/metrics/index.js";
import { withDatabase } from "../support/database.js";

const db = withDatabase();

describe("spans", () => {
  let exporter: InMemorySpanExporter;
  let vm: Vmstate;
  beforeEach(() => {
    exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    vm = instrument(vmstate(db.sql), { tracer: provider.getTracer("test") });
  });
  const spans = (): object[] =>
    exporter
      .getFinishedSpans()
      .map(({ name, kind, attributes, status }) => ({ name, kind, attributes, status }));

  it("a verb is a span with its outcome and reason, and a conflict is no error", async () => {
    const instanceId = randomUUID();
    await vm.createInstance({ instanceId, projectId: randomUUID(), name: "web", intendedState: "running" });
    const start = { instanceId, sagaId: randomUUID(), propolisId: randomUUID(), sledId: randomUUID() };
    await vm.beginStart({ ...start, propolisIp: "192.0.2.1" });
    const common = { "db.system.name": "postgresql", "vmstate.outcome": "applied" };
    expect(spans()).toEqual([
      {
        name: "vmstate.create_instance",
        kind: SpanKind.CLIENT,
        attributes: { ...common, "db.stored_procedure.name": "vmstate.create_instance" },
        status: { code: SpanStatusCode.UNSET },
      },
      {
        name: "vmstate.begin_start",
        kind: SpanKind.CLIENT,
        attributes: {
          "db.system.name": "postgresql",
          "db.stored_procedure.name": "vmstate.begin_start",
          "vmstate.outcome": "conflict",
          "vmstate.reason": expect.any(String) as string,
        },
        status: { code: SpanStatusCode.UNSET },
      },
    ]);
  });

  it("a list is a span with its view", async () => {
    await vm.stuckInstances();
    expect(spans()).toMatchObject([
      { name: "vmstate.stuck_instances", attributes: { "db.collection.name": "vmstate.stuck_instances" } },
    ]);
  });

  it("a refusal has the SQLSTATE, and neither its text nor an argument", async () => {
    const marked = `marked-${randomUUID()}`.repeat(2);
    await expect(vm.renameInstance({ instanceId: randomUUID(), name: marked })).rejects.toThrow("p_name");
    expect(spans()).toMatchObject([
      {
        attributes: { "error.type": "VM001", "db.response.status_code": "VM001" },
        status: { code: SpanStatusCode.ERROR },
      },
    ]);
    expect(JSON.stringify(spans())).not.toContain("marked");
    expect(exporter.getFinishedSpans().flatMap(({ events }) => events)).toEqual([]);
  });

  it.each(["EPIPE", "CONNECTION_CLOSED"])("the code %s of a client is no SQLSTATE", async (code) => {
    const query = (): Promise<object[]> => Promise.reject(Object.assign(new Error("lost"), { code }));
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    const lost = instrument(vmstate({ query }), { tracer: provider.getTracer("test") });
    await expect(lost.stuckInstances()).rejects.toThrow();
    const [{ attributes } = { attributes: {} }] = exporter.getFinishedSpans();
    expect(attributes).toMatchObject({ "error.type": code });
    expect(attributes).not.toHaveProperty("db.response.status_code");
  });
});

it("a meter gets the duration of each call in seconds, by procedure and outcome", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter });
  const provider = new MeterProvider({ readers: [reader] });
  const vm = instrument(vmstate(db.sql), { meter: provider.getMeter("test") });
  await vm.requestStop({ instanceId: randomUUID() });
  await vm.requestStop({ instanceId: randomUUID() });
  await provider.forceFlush();
  const [metric] = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  expect(metric).toMatchObject({
    descriptor: { name: "db.client.operation.duration", unit: "s" },
    dataPoints: [
      {
        attributes: { "db.stored_procedure.name": "vmstate.request_stop", "vmstate.outcome": "not_found" },
        value: { count: 2 },
      },
    ],
  });
  await provider.shutdown();
});

it("without a tracer and a meter, calls are made as before", async () => {
  const vm = instrument(vmstate(db.sql), {});
  expect(await vm.requestStop({ instanceId: randomUUID() })).toMatchObject({ outcome: "not_found" });
});
