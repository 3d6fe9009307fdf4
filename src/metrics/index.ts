/**
 * For services that are watched: {@link callMetrics} for Prometheus and {@link instrument} for OpenTelemetry. Neither tells
 * an argument, a row or the text of an error.
 *
 * @module vmstate/metrics
 */

export { type CallMetrics, callMetrics, type CallMetricsOptions } from "./call-metrics.js";
export { instrument, type Instruments } from "./instrument.js";
