import type { RecordedSpan } from './otlp-messages.ts';

/** Attributes that a reader of the tree needs. */
const SHOWN: Readonly<Record<string, string>> = {
  'http.response.status_code': 'status',
  'messaging.consumer.group.name': 'group',
  'firehose.connections': 'connections',
  'firehose.attempt': 'attempt',
  'firehose.outcome': 'outcome',
};

/**
 * One trace as text: children below their parent, those of the whole first and then group by group, in the order of
 * their start; links by the name they lead to.
 */
export function spanTree(spans: readonly RecordedSpan[], traceId: string): string {
  const ofTrace = spans
    .filter((span) => span.traceId === traceId)
    .toSorted((one, other) => groupOf(one).localeCompare(groupOf(other)) || Number(one.start - other.start));
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  const lines: string[] = [];
  const draw = (parent: string, indent: string) => {
    const children = ofTrace.filter(({ parentSpanId }) => parentSpanId === parent);
    for (const [index, span] of children.entries()) {
      const isLast = index === children.length - 1;
      lines.push(`${indent}${isLast ? '└─ ' : '├─ '}${lineOf(span, names)}`);
      draw(span.spanId, indent + (isLast ? '   ' : '│  '));
    }
  };
  for (const root of ofTrace.filter(({ parentSpanId }) => !names.has(parentSpanId))) {
    lines.push(lineOf(root, names));
    draw(root.spanId, '');
  }
  return `${lines.join('\n')}\n`;
}

function groupOf({ attributes }: RecordedSpan): string {
  return String(attributes['messaging.consumer.group.name'] ?? '');
}

function lineOf(span: RecordedSpan, names: ReadonlyMap<string, string>): string {
  const shown = Object.entries(SHOWN).flatMap(([key, label]) => {
    const value = span.attributes[key];
    return value === undefined ? [] : [`${label}=${String(value)}`];
  });
  const links = span.links.map(({ spanId }) => `link: ${names.get(spanId) ?? 'elsewhere'}`);
  return [`${span.name} [${span.kind}]`, ...shown, ...links].join(' · ');
}
