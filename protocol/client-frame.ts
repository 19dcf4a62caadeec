import { z } from 'zod';

/**
 * What a client of the control contract may send: a text message that is one of these JSON objects. The answering error
 * frame repeats `ref`. A faulty filter is answered by an error frame; anything else ends the connection with 4500, and
 * a reason that names the field.
 */
const DAY_MS = 86_400_000;

/** Each rule has its own text for the close reason: short, and without the client's input. */
function text(least: number, most: number) {
  const error = `must be a string of ${least} to ${most} characters`;
  return z.string({ error }).min(least, { error }).max(most, { error });
}
function word(most: number, error = `must be 1 to ${most} of A-Z a-z 0-9 _ -`) {
  return z.string({ error }).regex(new RegExp(`^[A-Za-z0-9_-]{1,${most}}$`), { error });
}
function list<T extends z.ZodType>(item: T, most: number, error: string) {
  return z.array(item, { error }).min(1, { error }).max(most, { error });
}
function object<S extends z.core.$ZodLooseShape>(shape: S) {
  const keys = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys' ? `has other keys than ${keys}` : `must be an object of ${keys}`,
  });
}

const ref = text(1, 64).optional();
const eventId = text(1, 256);
const DELAY = { error: `must be 0 to ${DAY_MS} milliseconds` };
const CURSOR_OR_IDS = 'must be a cursor, or a list of 1 to 1000 event ids';

const withoutRepeats = (items: readonly string[]) => [...new Set(items)];

/** Exactly these accounts and events, each once; null is all of the token's scope. */
export const filterSchema = object({
  accounts: list(word(64), 1_000, 'must be null, or a list of 1 to 1000 account ids')
    .transform(withoutRepeats)
    .nullable(),
  events: list(text(1, 64), 100, 'must be null, or a list of 1 to 100 event names')
    .transform(withoutRepeats)
    .nullable(),
});
export type Filter = z.output<typeof filterSchema>;

/** A new token for the same account and user; its scope may be narrower, never wider. */
const authFrameSchema = object({ auth: text(1, 4_096), ref });
/** Another filter from here on, within the token's scope. */
const filterFrameSchema = object({ filter: filterSchema, ref });
/** In a group: everything up to a cursor, or these event ids, was handled. */
const ackFrameSchema = object({
  ack: z.union([word(2_048, CURSOR_OR_IDS), list(eventId, 1_000, CURSOR_OR_IDS)], { error: CURSOR_OR_IDS }),
  ref,
});
/** In a group: deliver this one again, after `delay_ms` instead of the usual back-off if given. */
const nackFrameSchema = object({
  nack: eventId,
  delay_ms: z.int(DELAY).min(0, DELAY).max(DAY_MS, DELAY).optional(),
  ref,
});
/** In a group: this one is still being handled; the wait for its acknowledgement starts again. */
const progressFrameSchema = object({ progress: eventId, ref });
/** In a group: never deliver this one again, keep it as a dead letter. */
const termFrameSchema = object({ term: eventId, reason: text(0, 256).optional(), ref });

/** Requests the live calls again. */
const SNAPSHOT = { error: 'must be "calls"' };
const snapshotFrameSchema = object({ snapshot: z.literal('calls', SNAPSHOT), ref });

export type ClientFrame =
  | ({ readonly kind: 'auth' } & z.output<typeof authFrameSchema>)
  | ({ readonly kind: 'filter' } & z.output<typeof filterFrameSchema>)
  | ({ readonly kind: 'ack' } & z.output<typeof ackFrameSchema>)
  | ({ readonly kind: 'nack' } & z.output<typeof nackFrameSchema>)
  | ({ readonly kind: 'progress' } & z.output<typeof progressFrameSchema>)
  | ({ readonly kind: 'term' } & z.output<typeof termFrameSchema>)
  | ({ readonly kind: 'snapshot' } & z.output<typeof snapshotFrameSchema>);

/** Every frame that a client may send, by its key. */
export const CLIENT_FRAMES = {
  auth: authFrameSchema,
  filter: filterFrameSchema,
  ack: ackFrameSchema,
  nack: nackFrameSchema,
  progress: progressFrameSchema,
  term: termFrameSchema,
  snapshot: snapshotFrameSchema,
} as const;

/** Why a text is not a frame; contains no text of the client. */
export interface FrameFault {
  /** Path of the field, as `filter.accounts[2]`; null when no field is faulty. */
  readonly field: string | null;
  readonly wrong: string;
}

export type ParsedFrame =
  | { readonly ok: true; readonly frame: ClientFrame }
  /**
   * `filter` is set for a filter frame, which is answered and does not end the connection; `ref` is its own, if valid.
   */
  | { readonly ok: false; readonly fault: FrameFault; readonly filter?: { readonly ref: string | null } };

/** Parses the text as the one known frame that it is, or returns its first fault. */
export function parseClientFrame(text: string): ParsedFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fault(null, 'not JSON');
  }
  if (typeof value !== 'object' || value === null) return fault(null, 'not a JSON object');
  for (const kind of Object.keys(CLIENT_FRAMES) as (keyof typeof CLIENT_FRAMES)[]) {
    if (!Object.hasOwn(value, kind)) continue;
    const parsed = CLIENT_FRAMES[kind].safeParse(value);
    if (parsed.success) return { ok: true, frame: { kind, ...parsed.data } as ClientFrame };
    const { path, message } = deepest(parsed.error.issues);
    const found = fault(path.map(fieldPart).join('').slice(1) || null, message);
    if (kind !== 'filter') return found;
    const asked = ref.safeParse((value as { ref?: unknown }).ref);
    return { ...found, filter: { ref: asked.data ?? null } };
  }
  return fault(null, `has none of ${Object.keys(CLIENT_FRAMES).join(', ')}`);
}

function fault(field: string | null, wrong: string): Extract<ParsedFrame, { ok: false }> {
  return { ok: false, fault: { field, wrong } };
}

const fieldPart = (part: PropertyKey) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`);

/** The first issue; of a union, the issue of the branch that got furthest. */
function deepest([issue]: readonly z.core.$ZodIssue[]): { path: readonly PropertyKey[]; message: string } {
  if (issue === undefined) throw new Error('a failed parse has an issue');
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.map(([first]) => first).find((first) => first !== undefined && first.path.length > 0);
  return inner === undefined ? issue : { path: [...issue.path, ...inner.path], message: inner.message };
}
