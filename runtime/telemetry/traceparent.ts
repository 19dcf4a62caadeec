import { TraceFlags, type SpanContext } from '@opentelemetry/api';

/** W3C Trace Context, version 00: `00-<trace id>-<span id>-<flags>`. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Null when it is not a traceparent, or its trace is not recorded. */
export function sampledContext(traceparent: string | undefined): SpanContext | null {
  const [, traceId = '', spanId = '', flags = '00'] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if ((Number.parseInt(flags, 16) & TraceFlags.SAMPLED) === 0) return null;
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

/** Empty when the trace is not recorded: readers of the event do not need it. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return (traceFlags & TraceFlags.SAMPLED) === 0 ? '' : `00-${traceId}-${spanId}-01`;
}
