import { createHash } from 'node:crypto';

/** What the placeholders of a subject stand for. */
interface SubjectValues {
  readonly account: string;
  /** Name of the event. */
  readonly event: string;
  /** Call id; may be empty. */
  readonly call: string;
}

/** Longest escaped value. A server has a limit of 4 KB for a line of its protocol, of which the subject is a part. */
const MOST_CHARACTERS = 256;
const PLACEHOLDER = /\{(account|event|call)\}/g;

/** The subject of an event. Each value is one token, whatever it contains. Pure. */
export function subjectOf(template: string, values: SubjectValues): string {
  return template.replaceAll(PLACEHOLDER, (_, name: keyof SubjectValues) => safeToken(values[name]));
}

/**
 * A value as a part of a token: letters, digits, `_` and `-` as they are, each other byte as `%XX`, as in a URL. So a
 * value adds no token and no wildcard, and `decodeURIComponent` returns it. An empty value becomes `-`, one that is too
 * long its digest.
 */
function safeToken(value: string): string {
  if (value === '') return '-';
  const safe = Array.from(Buffer.from(value, 'utf8'), (byte) => {
    const character = String.fromCodePoint(byte);
    return SAFE.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
  if (safe.length <= MOST_CHARACTERS) return safe;
  return `sha256-${createHash('sha256').update(value).digest('base64url')}`;
}

const SAFE = /^[A-Za-z0-9_-]$/;
