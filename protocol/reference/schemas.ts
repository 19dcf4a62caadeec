import { z } from 'zod';
import { NAMED_EVENTS } from '../catalogue.ts';
import { CLIENT_FRAMES } from '../client-frame.ts';
import { META_KEY } from '../event-meta.ts';
import { eventSchema } from '../event-schema.ts';
import { serverFrameSchema } from '../server-frame.ts';
import { SYNTHETIC_REASONS } from '../synthetic.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

const text = (description: string) => ({ type: 'string', description });
const orNull = (description: string) => ({ type: ['string', 'null'], description });

/** A problem document (RFC 9457). */
const PROBLEM: JsonSchema = {
  title: 'problem',
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: text('about:blank'),
    title: text('The words of the status'),
    status: { type: 'integer', minimum: 400, maximum: 599 },
    code: text('Stable; docs/errors.md lists all'),
    detail: text('For a person'),
    field: text('The field at fault, as accounts[3]'),
  },
};

/** The `_firehose` of an event with `meta=1` or `v=1`. */
const META: JsonSchema = {
  title: META_KEY,
  type: 'object',
  required: ['id', 'cursor', 'account_id', 'ingested_at', 'traceparent'],
  properties: {
    id: text('Stable: an event keeps it in every redelivery'),
    cursor: text('Continues after this event'),
    account_id: orNull('The account'),
    ingested_at: orNull('RFC 3339 with microseconds'),
    traceparent: orNull('W3C Trace Context'),
    synthetic: {
      enum: SYNTHETIC_REASONS,
      description: 'Only in an event that is not the switch’s own: why it was made',
    },
    attempt: { type: 'integer', minimum: 1, description: 'In a group: the number of this delivery' },
  },
};

/** The frames of the gateway, by their type. */
export function serverFrames(): Readonly<Record<string, JsonSchema>> {
  const { oneOf = [] } = z.toJSONSchema(serverFrameSchema, { io: 'input' }) as { oneOf?: readonly JsonSchema[] };
  return Object.fromEntries(oneOf.map((frame) => [typeOf(frame), frame]));
}

function typeOf(frame: JsonSchema): string {
  const { type } = frame['properties'] as { type: { const: string } };
  return type.const;
}

/** The frames of a client, by their keys. */
export function clientFrames(): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries(
    Object.entries(CLIENT_FRAMES).map(([kind, schema]) => [
      kind,
      z.toJSONSchema(schema, { io: 'input' }) as JsonSchema,
    ]),
  );
}

/** Every served schema, by its name: `event`, one for each known event, `meta`, `problem`, and the frames. */
export function allSchemas(additionalEvents: readonly string[] = []): ReadonlyMap<string, JsonSchema> {
  const named = (prefix: string, schemas: Readonly<Record<string, JsonSchema>>) =>
    Object.entries(schemas).map(([name, schema]): [string, JsonSchema] => [`${prefix}-${name}`, schema]);
  return new Map<string, JsonSchema>([
    ['event', eventSchema(null)],
    ...[...NAMED_EVENTS, ...additionalEvents].map((name): [string, JsonSchema] => [name, eventSchema(name)]),
    ['meta', META],
    ['problem', PROBLEM],
    ...named('server-frame', serverFrames()),
    ...named('client-frame', clientFrames()),
  ]);
}
