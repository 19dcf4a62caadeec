import { z } from 'zod';

const shape = z.object({ maxLength: z.int().positive(), maxAgeMs: z.int().positive() });

/** How much of a partition one resource asks to keep; the first limit that is reached counts. */
export interface Retention {
  /** Entries of each partition. */
  readonly maxLength: number;
  readonly maxAgeMs: number;
}

const FIELD = 'retention:';

export function retentionField(resource: string): string {
  return `${FIELD}${resource}`;
}

/** Whether a meta hash contains a retention of another resource: the streams are shared then. */
export function isSharedBy(fields: readonly string[], resource: string): boolean {
  return fields.some((field) => field.startsWith(FIELD) && field !== retentionField(resource));
}

function parse(value: string): Retention | null {
  try {
    return shape.parse(JSON.parse(value));
  } catch {
    return null;
  }
}

/**
 * The longest retention of all resources that share a stream, each limit by itself. `fields` are those of the meta
 * hash; fields of other kinds are ignored, unreadable ones are counted. Null when no resource requests any: no
 * trimming.
 */
export function longestRetention(fields: Readonly<Record<string, string>>): {
  readonly retention: Retention | null;
  readonly unreadable: number;
} {
  const values = Object.entries(fields).filter(([field]) => field.startsWith(FIELD));
  const wishes = values.map(([, value]) => parse(value)).filter((wish) => wish !== null);
  const retention =
    wishes.length === 0
      ? null
      : {
          maxLength: Math.max(...wishes.map((wish) => wish.maxLength)),
          maxAgeMs: Math.max(...wishes.map((wish) => wish.maxAgeMs)),
        };
  return { retention, unreadable: values.length - wishes.length };
}
