import type { AddressPolicy } from '../net/address-guard.ts';
import { collectorPolicyOf, GUARD_SETTINGS } from '../net/guard-settings.ts';
import { readSettings as readGuard } from '../settings/read-settings.ts';

/** The settings of the environment, with the standard names of OpenTelemetry. */
export interface TelemetrySettings {
  readonly service: string;
  /** Null: none are exported. */
  readonly traces: OtlpProtocol | null;
  readonly metrics: OtlpProtocol | null;
  readonly metricIntervalMs: number;
  /** Checks the collector's address; null: it is not checked. */
  readonly guard: AddressPolicy | null;
}

export type OtlpProtocol = 'grpc' | 'http/protobuf' | 'http/json';

type Environment = Readonly<Record<string, string | undefined>>;

/** Processes that serve; a command that a person runs exports nothing. */
const SERVICES = ['gateway', 'operator', 'source'];
const ENDPOINTS = ['', 'TRACES_', 'METRICS_'].map((signal) => `OTEL_EXPORTER_OTLP_${signal}ENDPOINT`);
const PROTOCOLS: readonly OtlpProtocol[] = ['grpc', 'http/protobuf', 'http/json'];
const INTERVAL_MS = 60_000;
/** Those of the SDK (OpenTelemetry specification, "SDK Environment Variables"). */
const SAMPLERS = ['always_on', 'always_off', 'traceidratio'].flatMap((name) => [name, `parentbased_${name}`]);

/**
 * Null when nothing is to be exported: without an OTLP endpoint, and for every process that is not a service. Then
 * nothing of the SDK is loaded. `args` are those of the command line after the program. Pure.
 */
export function readSettings(environment: Environment, args: readonly string[]): TelemetrySettings | null {
  const command = SERVICES.find((name) => name === args[0]);
  if (command === undefined || isTrue(environment['OTEL_SDK_DISABLED'])) return null;
  const traces = protocolOf(environment, 'TRACES');
  const metrics = protocolOf(environment, 'METRICS');
  if (traces === null && metrics === null) return null;
  const interval = Number(environment['OTEL_METRIC_EXPORT_INTERVAL']);
  return {
    service: given(environment['OTEL_SERVICE_NAME']) ?? `firehose-${command}`,
    traces,
    metrics,
    metricIntervalMs: interval > 0 ? interval : INTERVAL_MS,
    guard: collectorPolicyOf(readGuard(GUARD_SETTINGS, environment).values.FIREHOSE_ADDRESS_GUARD),
  };
}

/**
 * Settings that cannot be read, and their replacements; their values are omitted. As the specification requires, they
 * do not end the process. Pure.
 */
export function settingFaults(environment: Environment, args: readonly string[]): readonly string[] {
  const isService = SERVICES.some((name) => name === args[0]);
  const hasEndpoint = ENDPOINTS.some((name) => given(environment[name]) !== undefined);
  if (!isService || !hasEndpoint || isTrue(environment['OTEL_SDK_DISABLED'])) return [];
  const faults: string[] = [];
  const expect = (name: string, isRead: (value: string) => boolean, what: string) => {
    const value = given(environment[name]);
    if (value !== undefined && !isRead(value)) faults.push(`${name}: ${what}`);
  };
  for (const signal of ['', 'TRACES_', 'METRICS_']) {
    const isProtocol = (value: string) => PROTOCOLS.some((protocol) => protocol === value);
    const what = 'grpc, http/protobuf or http/json; http/protobuf is used';
    expect(`OTEL_EXPORTER_OTLP_${signal}PROTOCOL`, isProtocol, what);
  }
  expect('OTEL_TRACES_EXPORTER', (value) => ['otlp', 'none'].includes(value), 'otlp or none; no traces are exported');
  // Metrics can be scraped in any case.
  const isMetrics = (value: string) => ['otlp', 'none', 'prometheus'].includes(value);
  expect('OTEL_METRICS_EXPORTER', isMetrics, 'otlp, prometheus or none; no metrics are exported');
  expect('OTEL_METRIC_EXPORT_INTERVAL', (value) => Number(value) > 0, `milliseconds; ${INTERVAL_MS} is used`);
  expect('OTEL_TRACES_SAMPLER', (value) => SAMPLERS.includes(value), 'no sampler of the SDK; its default is used');
  if (given(environment['OTEL_TRACES_SAMPLER'])?.endsWith('traceidratio') === true) {
    const isShare = (value: string) => Number(value) >= 0 && Number(value) <= 1;
    expect('OTEL_TRACES_SAMPLER_ARG', isShare, 'a number from 0 to 1; 1 is used');
  }
  return faults;
}

function protocolOf(environment: Environment, signal: 'TRACES' | 'METRICS'): OtlpProtocol | null {
  const exporter = given(environment[`OTEL_${signal}_EXPORTER`]) ?? 'otlp';
  const endpoint =
    given(environment[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]) ?? given(environment['OTEL_EXPORTER_OTLP_ENDPOINT']);
  if (exporter !== 'otlp' || endpoint === undefined) return null;
  const named =
    given(environment[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`]) ?? given(environment['OTEL_EXPORTER_OTLP_PROTOCOL']);
  return PROTOCOLS.find((protocol) => protocol === named) ?? 'http/protobuf';
}

function isTrue(value: string | undefined): boolean {
  return given(value)?.toLowerCase() === 'true';
}

/** An empty variable counts as not set. */
function given(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

/** Hosts of the collectors with gRPC. Pure. */
export function grpcHosts(settings: TelemetrySettings, environment: Environment): readonly string[] {
  const hosts = (['TRACES', 'METRICS'] as const).flatMap((signal) => {
    const protocol = signal === 'TRACES' ? settings.traces : settings.metrics;
    if (protocol !== 'grpc') return [];
    const endpoint =
      given(environment[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]) ?? given(environment['OTEL_EXPORTER_OTLP_ENDPOINT']);
    const url = URL.parse(endpoint?.includes('://') === true ? endpoint : `http://${endpoint ?? ''}`);
    return url === null ? [] : [url.hostname];
  });
  return [...new Set(hosts)];
}
