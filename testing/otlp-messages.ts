import protobuf from 'protobufjs';

/** A field for protobufjs: its number, its type, and whether it is repeated. */
const one = (id: number, type: string) => ({ id, type });
const many = (id: number, type: string) => ({ id, type, rule: 'repeated' });

/** The parts of an OTLP export that tests read, by the field numbers of the protocol; other fields are ignored. */
const MESSAGES = {
  Value: {
    text: one(1, 'string'),
    flag: one(2, 'bool'),
    integer: one(3, 'int64'),
    number: one(4, 'double'),
    list: one(5, 'Values'),
  },
  Values: { values: many(1, 'Value') },
  Attribute: { key: one(1, 'string'), value: one(2, 'Value') },
  Resource: { attributes: many(1, 'Attribute') },
  Scope: { name: one(1, 'string') },

  TraceExport: { resources: many(1, 'ResourceSpans') },
  ResourceSpans: { resource: one(1, 'Resource'), scopes: many(2, 'ScopeSpans') },
  ScopeSpans: { scope: one(1, 'Scope'), spans: many(2, 'Span') },
  Span: {
    traceId: one(1, 'bytes'),
    spanId: one(2, 'bytes'),
    parentSpanId: one(4, 'bytes'),
    name: one(5, 'string'),
    kind: one(6, 'int32'),
    start: one(7, 'fixed64'),
    end: one(8, 'fixed64'),
    attributes: many(9, 'Attribute'),
    links: many(13, 'Link'),
  },
  Link: { traceId: one(1, 'bytes'), spanId: one(2, 'bytes') },

  MetricsExport: { resources: many(1, 'ResourceMetrics') },
  ResourceMetrics: { resource: one(1, 'Resource'), scopes: many(2, 'ScopeMetrics') },
  ScopeMetrics: { metrics: many(2, 'Metric') },
  Metric: { name: one(1, 'string') },
};

const root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(Object.entries(MESSAGES).map(([name, fields]) => [name, { fields }])),
});

interface Attributed {
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

interface TraceExport {
  readonly resources: readonly {
    readonly resource: Attributed;
    readonly scopes: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly (Attributed & {
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId: string;
        readonly name: string;
        readonly kind: number;
        readonly start: string;
        readonly end: string;
        readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
      })[];
    }[];
  }[];
}

/** A span as the collector received it. Ids are lower-case hex. */
export interface RecordedSpan {
  readonly service: string;
  readonly scope: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  /** Nanoseconds of Unix time. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

const KINDS = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

export function decodeSpans(body: Uint8Array): RecordedSpan[] {
  return decode<TraceExport>('TraceExport', body).resources.flatMap(({ resource, scopes }) =>
    scopes.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        service: String(attributesOf(resource)['service.name']),
        scope: scope.name,
        name: span.name,
        kind: KINDS[span.kind] ?? 'internal',
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        start: BigInt(span.start),
        end: BigInt(span.end),
        attributes: attributesOf(span),
        links: span.links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
      })),
    ),
  );
}

export function decodeMetricNames(body: Uint8Array): string[] {
  interface MetricsExport {
    readonly resources: readonly { readonly scopes: readonly { readonly metrics: readonly { name: string }[] }[] }[];
  }
  return decode<MetricsExport>('MetricsExport', body).resources.flatMap(({ scopes }) =>
    scopes.flatMap(({ metrics }) => metrics.map(({ name }) => name)),
  );
}

function decode<T>(message: string, body: Uint8Array): T {
  const type = root.lookupType(message);
  return type.toObject(type.decode(body), { longs: String, bytes: String, arrays: true, defaults: false }) as T;
}

function attributesOf({ attributes }: Attributed): Record<string, string | number | boolean> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

/** Lists as JSON. */
function plain(value: Readonly<Record<string, unknown>>): string | number | boolean {
  const [kind, held] = Object.entries(value)[0] ?? ['', ''];
  if (kind === 'integer') return Number(held);
  if (kind !== 'list') return held as string | number | boolean;
  return JSON.stringify((held as { values: Readonly<Record<string, unknown>>[] }).values.map(plain));
}

function hex(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('hex');
}
