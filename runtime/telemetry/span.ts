import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type SpanOptions,
} from '@opentelemetry/api';

/** Spans of this process: none is recorded while nothing is exported. */
export const tracer = trace.getTracer('firehose');

/**
 * Runs `work` within a span of its own, and ends the span with the outcome. For an error, the span gets the class and
 * the code, never the text.
 */
export function inSpan<T>(name: string, options: SpanOptions, run: (span: Span) => Promise<T>): Promise<T> {
  const span = tracer.startSpan(name, options);
  // Without telemetry nothing uses the active span, and a context would only take memory.
  if (!isSpanContextValid(span.spanContext())) return run(span);
  return context.with(trace.setSpan(context.active(), span), async () => {
    try {
      return await run(span);
    } catch (error) {
      failed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

export function failed(span: Span, error: unknown): void {
  const { name, code } = (error instanceof Error ? error : {}) as { name?: string; code?: unknown };
  span.setAttribute('error.type', typeof code === 'string' ? code : (name ?? 'unknown'));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** Work that outlives the span in which it began: it has no parent. */
export function outsideOfSpans<T>(run: () => T): T {
  return context.with(ROOT_CONTEXT, run);
}

/** The ids that connect a log line and a span; none outside of a span. */
export function traceIds(): Attributes {
  const span = trace.getSpanContext(context.active());
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}
