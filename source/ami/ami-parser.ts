import type { SwitchEvent } from '../mapper.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MAX_MESSAGE_BYTES = 1_048_576;

export class AmiError extends Error {
  override readonly name = 'AmiError';
  /** Stable code. */
  readonly code = 'message_too_long';
}

export interface AmiParser {
  /**
   * Messages completed by this chunk, in order: events have `Event`, answers have `Response`, the greeting has
   * `Banner`. A repeated key has a list. Throws an AmiError when a message exceeds the limit without ending.
   */
  push(chunk: Buffer): SwitchEvent[];
  /** Number of buffered bytes of the incomplete message. */
  pending(): number;
}

/**
 * Parses the stream of the manager interface, in chunks of any size: `Key: value` lines, an empty line after each
 * message.
 */
export function createAmiParser(): AmiParser {
  let rest: Buffer = Buffer.alloc(0);
  /** Start of the current line in `rest`. The bytes before it have been scanned. */
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
      // Copies: a slice would keep the whole chunk in memory.
      rest = Buffer.from(bytes.subarray(start));
      line -= start;
      return messages;
    },
    pending: () => rest.length,
  };
}

const GREETING = 'Asterisk Call Manager/';

/** The greeting is one line and has no empty line after it. */
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
