import type { Agent } from 'node:http';
import { diag, DiagLogLevel, type DiagLogger } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter as GrpcMetrics } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufMetrics } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '../logging/logger.ts';
import type { AddressPolicy } from '../net/address-guard.ts';
import { guardedAgent } from '../net/guarded-agent.ts';
import { guardExports } from './guarded-exporter.ts';
import { instrumentations } from './instrumentations.ts';
import { ScrubbingExporter } from './scrubbing-exporter.ts';
import type { OtlpProtocol, TelemetrySettings } from './settings.ts';
import { useTelemetry } from './telemetry.ts';
import { VERSION } from '../version.ts';

interface HttpOptions {
  readonly httpAgentOptions?: (protocol: string) => Agent;
}

interface ExporterOptions extends HttpOptions {
  /** Of the collectors with gRPC. */
  readonly hosts: readonly string[];
  readonly guard: AddressPolicy | null;
}

const TRACES: Readonly<Record<OtlpProtocol, (options: ExporterOptions) => SpanExporter>> = {
  grpc({ hosts, guard }) {
    const exporter = new GrpcTraces();
    if (guard !== null) guardExports(exporter, hosts, guard);
    return exporter;
  },
  'http/json': (options) => new JsonTraces(options),
  'http/protobuf': (options) => new ProtobufTraces(options),
};

const METRICS: Readonly<Record<OtlpProtocol, (options: ExporterOptions) => PushMetricExporter>> = {
  grpc({ hosts, guard }) {
    const exporter = new GrpcMetrics();
    if (guard !== null) guardExports(exporter, hosts, guard);
    return exporter;
  },
  'http/json': (options) => new JsonMetrics(options),
  'http/protobuf': (options) => new ProtobufMetrics(options),
};

const FAULT_LINE_EVERY_MS = 60_000;

/**
 * Starts the SDK for this process. Exporters and sampler read the standard variables themselves: endpoint, headers,
 * certificates, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_*`. `hosts` are those of the collectors with gRPC.
 */
export function startSdk(settings: TelemetrySettings, hosts: readonly string[]): void {
  const { traces, metrics, metricIntervalMs, guard } = settings;
  const http: HttpOptions = guard === null ? {} : { httpAgentOptions: (protocol) => guardedAgent(protocol, guard) };
  const options = { ...http, guard, hosts };
  const faults = new Faults();
  const resource = describe(settings.service);
  const sdk = new NodeSDK({
    resource,
    // The detector of the process would export its arguments.
    autoDetectResources: false,
    // Overrides OTEL_PROPAGATORS: otherwise a client's header of another format would decide what is traced.
    textMapPropagator: new W3CTraceContextPropagator(),
    ...(traces === null ? { spanProcessors: [] } : { traceExporter: new ScrubbingExporter(TRACES[traces](options)) }),
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: traces === null ? [] : instrumentations(),
  });
  sdk.start();
  diag.setLogger(faults, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  useTelemetry({
    traces: traces !== null,
    resource,
    metricReader: () =>
      metrics === null
        ? null
        : new PeriodicExportingMetricReader({
            exporter: METRICS[metrics](options),
            exportIntervalMillis: metricIntervalMs,
            exportTimeoutMillis: Math.min(metricIntervalMs, 10_000),
          }),
    useLog: (logger) => faults.useLog(logger),
    shutdown: () => sdk.shutdown(),
  });
}

function describe(service: string) {
  return defaultResource()
    .merge(detectResources({ detectors: [hostDetector, envDetector] }))
    .merge(resourceFromAttributes({ 'service.name': service, 'service.version': VERSION }));
}

/**
 * At most one line a minute about errors of the SDK, without their texts, which contain answers of the collector and
 * request headers.
 */
class Faults implements DiagLogger {
  #logger: Logger | null = null;
  #count = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  useLog(logger: Logger): void {
    this.#logger = logger;
    if (this.#count > 0) this.#tell();
  }

  error(): void {
    this.#count += 1;
    this.#tell();
  }

  warn(): void {
    this.error();
  }

  info(): void {}
  debug(): void {}
  verbose(): void {}

  #tell(): void {
    const now = performance.now();
    if (this.#logger === null || now - this.#toldAt < FAULT_LINE_EVERY_MS) return;
    this.#toldAt = now;
    this.#logger.warn(
      { faults: this.#count, remedy: 'check OTEL_EXPORTER_OTLP_ENDPOINT and the collector' },
      'telemetry cannot be exported and is dropped',
    );
    this.#count = 0;
  }
}
