/** What the environment asks for, by the names that every OpenTelemetry SDK knows. */
export interface TelemetrySettings {
  readonly service: string;
  /** Null: none are exported. */
  readonly traces: OtlpProtocol | null;
  readonly metrics: OtlpProtocol | null;
  readonly metricIntervalMs: number;
}

export type OtlpProtocol = 'grpc' | 'http/protobuf' | 'http/json';

type Environment = Readonly<Record<string, string | undefined>>;

/** Processes that serve; a command that a person runs tells nobody. */
const SERVICES = ['gateway', 'operator', 'source'];
const PROTOCOLS: readonly OtlpProtocol[] = ['grpc', 'http/protobuf', 'http/json'];
const INTERVAL_MS = 60_000;

/**
 * Null when nothing is to be exported: without an OTLP endpoint, and for whatever is no service. Then nothing of the
 * SDK is loaded. `args` are those of the command line after the program. Pure.
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
  };
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

/** An empty variable is one that is not set. */
function given(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}
