import { setTimeout as delay } from 'node:timers/promises';
import type { Resource } from '@opentelemetry/resources';
import type { IMetricReader } from '@opentelemetry/sdk-metrics';
import type { Logger } from '../logging/logger.ts';

/** The exporter of this process. There is at most one, because a process has one OpenTelemetry API. */
export interface Telemetry {
  /** Whether spans are exported. */
  readonly traces: boolean;
  readonly resource: Resource;
  /** A new reader that exports the metrics of its meter provider; null when metrics are not exported. */
  readonly metricReader: () => IMetricReader | null;
  /** Logs when the collector cannot be reached. */
  useLog(logger: Logger): void;
  /** Sends the remaining data, and ends. */
  shutdown(): Promise<void>;
}

/** Time limit for the last export: a collector that hangs delays the end no longer. */
const FLUSH_MS = 1_400;

let current: Telemetry | null = null;
/** Settings that could not be read at the start of the process, before there was a log. */
let faults: readonly string[] = [];

export function noteSettingFaults(found: readonly string[]): void {
  faults = found;
}

/** Passes the logger to the exporter, and logs settings that could not be read. */
export function useTelemetryLog(logger: Logger): void {
  current?.useLog(logger);
  for (const fault of faults) logger.warn({ code: 'telemetry_setting' }, fault);
  faults = [];
}

export function useTelemetry(telemetry: Telemetry | null): void {
  current = telemetry;
}

export function currentTelemetry(): Telemetry | null {
  return current;
}

/** Whether spans are exported: if not, nothing needs to be computed for them. */
export function isTracing(): boolean {
  return current?.traces === true;
}

/** Sends the remaining data at the end of the process. Never rejects. */
export async function endTelemetry(): Promise<void> {
  const ending = current;
  current = null;
  if (ending !== null) await withinFlushTime(ending.shutdown());
}

/**
 * Waits for the end of an export, for a limited time. The SDK's diagnostic logger reports a failed export (`Faults` in
 * sdk.ts): the rejection contains no more.
 */
export async function withinFlushTime(work: Promise<unknown>): Promise<void> {
  const limit = new AbortController();
  const timer = delay(FLUSH_MS, undefined, { signal: limit.signal }).catch(() => undefined);
  await Promise.race([work.catch(() => undefined), timer]);
  limit.abort();
}
