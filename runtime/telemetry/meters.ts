import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Meter } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { currentTelemetry, withinFlushTime } from './telemetry.ts';

/** Creates a process's metrics: scraped from its inner port, and exported by OTLP if configured. */
export interface Meters extends AsyncDisposable {
  readonly meter: Meter;
  /** Prometheus exposition. */
  scrape(request: IncomingMessage, response: ServerResponse): void;
}

export function createMeters(name: string): Meters {
  const prometheus = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  });
  const telemetry = currentTelemetry();
  const otlp = telemetry?.metricReader() ?? null;
  const provider = new MeterProvider({
    ...(telemetry !== null && { resource: telemetry.resource }),
    readers: otlp === null ? [prometheus] : [prometheus, otlp],
  });
  return {
    meter: provider.getMeter(name),
    scrape: (request, response) => prometheus.getMetricsRequestHandler(request, response),
    // Includes the last export, and the collector may hang.
    [Symbol.asyncDispose]: () => withinFlushTime(provider.shutdown()),
  };
}
