import type { ProblemCode } from '../../protocol/problem-code.ts';
import { isMarked, TWO_MARKS } from '../../event-log/intake/text-encoding.ts';
import { isUtf16 } from '../../runtime/files/utf16.ts';
import { isParsable, sliceArray, trimJson, trimSpace, valueEnd } from '../../event-log/intake/json-slice.ts';

/** Elements of the wrapped form. */
export const WRAPPED_TYPE = 'application/vnd.firehose.events+ndjson';
export const MAX_BODY_BYTES = 8 * 1_024 * 1_024;
export const MAX_EVENTS = 10_000;

export type Batch =
  | { readonly kind: 'elements'; readonly elements: readonly Buffer[]; readonly wrapped: boolean }
  /** The elements of the body cannot be separated. */
  | { readonly kind: 'unreadable'; readonly status: 400 | 413; readonly code: ProblemCode; readonly detail: string };

const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const LINE_FEED = 0x0a;

/**
 * Splits a body into its elements without judging them. The first byte decides: `[` begins a JSON array; else each line
 * is an element (NDJSON, blank lines skipped), unless the whole body is one JSON object, as a person would write it.
 */
export function readBatch(body: Buffer, contentType: string): Batch {
  if (body.length > MAX_BODY_BYTES) return unreadable('body_too_large', `At most ${MAX_BODY_BYTES} bytes`, 413);
  if (isUtf16(body)) return unreadable('invalid_utf8', 'The body is UTF-16: send UTF-8');
  const content = trimJson(body);
  if (content.length === 0) return unreadable('empty_body', 'The body holds no event');
  if (isMarked(content)) return unreadable('not_json', TWO_MARKS);
  const elements =
    content[0] === OPEN_ARRAY ? sliceArray(content, MAX_EVENTS) : isOneObject(content) ? [content] : lines(content);
  if (elements === null) return unreadable('not_json', 'The array does not end, or its elements are not separated');
  if (elements.length > MAX_EVENTS) return unreadable('too_many_events', `At most ${MAX_EVENTS} events`, 413);
  const wrapped = contentType.split(';')[0]?.trim().toLowerCase() === WRAPPED_TYPE;
  return { kind: 'elements', elements, wrapped };
}

function isOneObject(content: Buffer): boolean {
  if (content[0] !== OPEN_OBJECT || valueEnd(content, 0) !== content.length) return false;
  if (!content.includes(LINE_FEED)) return true;
  if (!isParsable(content)) return false;
  try {
    JSON.parse(content.toString());
    return true;
  } catch {
    // A broken line whose brackets are closed by a later one: the valid lines in between must be kept.
    return false;
  }
}

/** One more than the limit at most. */
function lines(content: Buffer): Buffer[] {
  const elements: Buffer[] = [];
  let from = 0;
  while (from < content.length && elements.length <= MAX_EVENTS) {
    const feed = content.indexOf(LINE_FEED, from);
    const end = feed < 0 ? content.length : feed;
    // Its byte order mark belongs to the event, from which one is removed.
    const line = trimSpace(content.subarray(from, end));
    if (line.length > 0) elements.push(line);
    from = end + 1;
  }
  return elements;
}

function unreadable(code: ProblemCode, detail: string, status: 400 | 413 = 400): Batch {
  return { kind: 'unreadable', status, code, detail };
}
