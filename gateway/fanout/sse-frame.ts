import { allocateFrames } from './frame.ts';
import type { WholeFrames } from './frames.ts';

/**
 * Events as Server-Sent Events (HTML standard, 9.2.6): `id:` is the cursor after the event, `data:` the event's text. A
 * browser uses both when the empty line after them has arrived. So a stream that is cut at any byte resumes exactly
 * after the last event that was delivered (E1).
 */
const ID = 'id: ';
const DATA = 'data: ';
const END = '\n\n';

/** The text of each event, framed back to back. A text of several lines has one `data:` line for each (E3). */
export function sseFrames(texts: readonly Buffer[], ids: readonly string[]): WholeFrames {
  const heads = ids.map((id) => `${ID}${id}\n${DATA}`);
  const bodies = texts.map(onDataLines);
  const offsets = [0];
  let total = 0;
  for (const [index, { length }] of bodies.entries()) {
    total += (heads[index]?.length ?? 0) + length + END.length;
    offsets.push(total);
  }
  const buffer = allocateFrames(total);
  for (const [index, body] of bodies.entries()) {
    // An id is a cursor, which is ASCII.
    const start = offsets[index] ?? 0;
    const at = start + buffer.write(heads[index] ?? '', start, 'latin1');
    body.copy(buffer, at);
    buffer.write(END, at + body.length, 'latin1');
  }
  return { buffer, offsets };
}

const LINE_END = /\r\n|\r|\n/g;

/**
 * In JSON, line ends occur only as white space, and all of them mean the same. A reader joins the lines with a line
 * feed: the result is the same JSON.
 */
function onDataLines(text: Buffer): Buffer {
  if (!text.includes(0x0a) && !text.includes(0x0d)) return text;
  return Buffer.from(text.toString('latin1').replace(LINE_END, `\n${DATA}`), 'latin1');
}

/** Event name of every message that is not a call event. */
const CONTROL = 'firehose';

/**
 * A control frame: its text, and the cursor from which the stream resumes after it, if it is a place to resume from.
 */
export function sseControl(text: string, id: string | null): Buffer {
  return Buffer.from(`event: ${CONTROL}\n${id === null ? '' : `${ID}${id}\n`}${DATA}${text}${END}`);
}

/** How long a client waits before it reconnects, in milliseconds. */
export function sseRetry(milliseconds: number): Buffer {
  return Buffer.from(`retry: ${Math.round(milliseconds)}\n\n`);
}

/** A comment line: it keeps proxies from closing a silent stream. */
export const SSE_COMMENT = Buffer.from(':\n');
