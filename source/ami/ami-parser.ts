import type { SwitchEvent } from '../mapper.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MAX_MESSAGE_BYTES = 1_048_576;

export class AmiError extends Error {
  override readonly name = 'AmiError';
  /** Stable. */
  readonly code = 'message_too_long';
}

export interface AmiParser {
  /**
   * The messages that this chunk completes, in their order: events have `Event`, answers have `Response`, the greeting
   * has `Banner`. A key given twice has a list. Throws an AmiError when a message does not end.
   */
  push(chunk: Buffer): SwitchEvent[];
  /** Bytes of a message that is not complete. */
  pending(): number;
}

/** Parses the manager interface's stream, however it is cut: `Key: value` lines, an empty line after each message. */
export function createAmiParser(): AmiParser {
  let rest: Buffer = Buffer.alloc(0);
  /** Where in `rest` the line under way begins: what is before it has been looked at. */
  let line = 0;

  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const messages: SwitchEvent[] = [];
      let start = 0;
      for (;;) {
        const end = bytes.indexOf(LINE_FEED, line);
        if (end < 0) break;
        const isEmpty = end === line || (end === line + 1 && bytes[line] === CARRIAGE_RETURN);
        const isBanner = line === start && isGreeting(bytes, start, end);
        line = end + 1;
        if (!isEmpty && !isBanner) continue;
        const message = parseMessage(bytes.toString('utf8', start, line));
        if (message !== null) messages.push(message);
        start = line;
      }
      if (bytes.length - start > MAX_MESSAGE_BYTES) {
        throw new AmiError(`A message is longer than ${MAX_MESSAGE_BYTES} bytes`);
      }
      // A copy: a slice would keep the whole chunk.
      rest = Buffer.from(bytes.subarray(start));
      line -= start;
      return messages;
    },
    pending: () => rest.length,
  };
}

const GREETING = 'Asterisk Call Manager/';

/** The greeting is one line without an empty one after it. */
function isGreeting(bytes: Buffer, from: number, to: number): boolean {
  return to - from < 128 && bytes.toString('latin1', from, to).startsWith(GREETING);
}

function parseMessage(text: string): SwitchEvent | null {
  const message = Object.create(null) as Record<string, string | string[]>;
  let isEmpty = true;
  for (const raw of text.split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '') continue;
    isEmpty = false;
    if (line.startsWith(GREETING)) {
      message['Banner'] = line;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const key = line.slice(0, colon);
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    const before = message[key];
    if (before === undefined) message[key] = value;
    else if (typeof before === 'string') message[key] = [before, value];
    else before.push(value);
  }
  return isEmpty ? null : message;
}
