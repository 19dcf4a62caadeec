import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

/**
 * Removes error texts of instrumentation from spans before the export, because Redis repeats arguments of the command
 * in them.
 */
export class ScrubbingExporter implements SpanExporter {
  readonly #inner: SpanExporter;

  constructor(inner: SpanExporter) {
    this.#inner = inner;
  }

  export(...[spans, done]: Parameters<SpanExporter['export']>): void {
    for (const span of spans) scrub(span);
    this.#inner.export(spans, done);
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }
}

function scrub({ status, events }: ReadableSpan): void {
  delete status.message;
  for (const { attributes } of events) {
    if (attributes === undefined) continue;
    delete attributes['exception.message'];
    delete attributes['exception.stacktrace'];
  }
}
