import { z } from 'zod';

/**
 * What a client of the control contract may say: a text message that is one of these JSON objects. `ref` comes back in
 * the error frame that answers it. Anything else ends the connection with 4500.
 */
const ref = z.string().min(1).max(64).optional();
const cursor = z.string().regex(/^[A-Za-z0-9_-]{1,2048}$/);
const eventId = z.string().min(1).max(256);
const DAY_MS = 86_400_000;

/** Exactly these accounts and events; null is all of the token's scope. */
export const filterSchema = z.strictObject({
  accounts: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/))
    .min(1)
    .max(1_000)
    .nullable(),
  events: z.array(z.string().min(1).max(64)).min(1).max(100).nullable(),
});
export type Filter = z.output<typeof filterSchema>;

/** A new token for the same account and user; its scope may be narrower, never wider. */
export const authFrameSchema = z.strictObject({ auth: z.string().min(1).max(4_096), ref });
/** Another filter from here on, within the token's scope. */
export const filterFrameSchema = z.strictObject({ filter: filterSchema, ref });
/** In a group: everything up to a cursor, or these event ids, was handled. */
export const ackFrameSchema = z.strictObject({ ack: z.union([cursor, z.array(eventId).min(1).max(1_000)]), ref });
/** In a group: deliver this one again, after `delay_ms` instead of the usual back-off where it is given. */
export const nackFrameSchema = z.strictObject({ nack: eventId, delay_ms: z.int().min(0).max(DAY_MS).optional(), ref });
/** In a group: still at work on this one, the acknowledgement wait begins anew. */
export const progressFrameSchema = z.strictObject({ progress: eventId, ref });
/** In a group: never deliver this one again, keep it as a dead letter. */
export const termFrameSchema = z.strictObject({ term: eventId, reason: z.string().max(256).optional(), ref });

export type ClientFrame =
  | ({ readonly kind: 'auth' } & z.output<typeof authFrameSchema>)
  | ({ readonly kind: 'filter' } & z.output<typeof filterFrameSchema>)
  | ({ readonly kind: 'ack' } & z.output<typeof ackFrameSchema>)
  | ({ readonly kind: 'nack' } & z.output<typeof nackFrameSchema>)
  | ({ readonly kind: 'progress' } & z.output<typeof progressFrameSchema>)
  | ({ readonly kind: 'term' } & z.output<typeof termFrameSchema>);

const SCHEMAS = {
  auth: authFrameSchema,
  filter: filterFrameSchema,
  ack: ackFrameSchema,
  nack: nackFrameSchema,
  progress: progressFrameSchema,
  term: termFrameSchema,
} as const;

/** Null when the text is not exactly one known frame. */
export function parseClientFrame(text: string): ClientFrame | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const kind of Object.keys(SCHEMAS) as (keyof typeof SCHEMAS)[]) {
    if (!Object.hasOwn(value, kind)) continue;
    const parsed = SCHEMAS[kind].safeParse(value);
    return parsed.success ? ({ kind, ...parsed.data } as ClientFrame) : null;
  }
  return null;
}
