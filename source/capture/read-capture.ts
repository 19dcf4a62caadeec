import type { CaptureItem } from './capture-item.ts';
import type { CaptureKind } from './capture-kinds.ts';
import { BrokenCapture, plainBytes } from './plain-bytes.ts';
import { readAmi } from './read-ami.ts';
import { readEsl } from './read-esl.ts';
import { readCaptureLine } from './read-line.ts';
import { splitLines, type Line } from './split-lines.ts';
import { splitValues } from './split-values.ts';

/** No event of these switches reaches 1 MiB. */
const MAX_LINE_BYTES = 1_048_576;
/** The form of the capture is detected in this many bytes: some events have 10 KB. */
const HEAD_BYTES = 16_384;
/** Lines of the event socket or AMI, and a line of JSON after unreadable lines. */
const RAW = /Content-(Length|Type): |^(Event(-Name)?: |Response: |Action: |Asterisk Call Manager\/)/m;
const JSON_LINE = /^\s*(< )?[{[]/m;
/** Starts as jq's output does: an array, or an object over several lines, possibly after log lines. */
const OVER_LINES = /^(\[|\{)\s*\n|^\[\s*\{/;
const OVER_LATER_LINES = /^[{[][ \t]*\r?\n\s+["{]/m;

/**
 * Reads NDJSON, a JSON array, objects over several lines or, for FreeSWITCH and AMI, the raw bytes of the socket. The
 * first bytes decide which. Keeps one line or message in memory at a time.
 */
export async function* readCapture(kind: CaptureKind, chunks: AsyncIterable<Buffer>): AsyncGenerator<CaptureItem> {
  let last = '0';
  try {
    for await (const item of readPlain(kind, plainBytes(chunks))) {
      last = item.place;
      yield item;
    }
  } catch (error) {
    if (!(error instanceof BrokenCapture)) throw error;
    yield { place: `after ${last}`, line: { kind: 'fault', detail: error.message }, bytes: null };
  }
}

async function* readPlain(kind: CaptureKind, chunks: AsyncIterable<Buffer>): AsyncGenerator<CaptureItem> {
  const iterator = chunks[Symbol.asyncIterator]();
  const early: Buffer[] = [];
  let bytes = 0;
  while (bytes < HEAD_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    early.push(next.value);
    bytes += next.value.length;
  }
  const rest = follow(early, iterator);
  const head = Buffer.concat(early).toString('latin1', 0, HEAD_BYTES).trimStart();
  const isOverLines = OVER_LINES.test(head) || (!RAW.test(head) && OVER_LATER_LINES.test(head));
  if (isOverLines) yield* readLines(splitValues(rest, MAX_LINE_BYTES));
  else if (isOfLines(kind, head)) yield* readLines(splitLines(rest, MAX_LINE_BYTES));
  else if (kind === 'freeswitch') yield* readEsl(rest);
  else yield* readAmi(rest);
}

function isOfLines(kind: CaptureKind, head: string): boolean {
  if (kind === 'kazoo' || kind === 'asterisk-ari' || head === '' || /^(< )?[{[]/.test(head)) return true;
  return !RAW.test(head) && JSON_LINE.test(head);
}

async function* follow(early: readonly Buffer[], iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* early;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

async function* readLines(lines: AsyncIterable<Line>): AsyncGenerator<CaptureItem> {
  for await (const { number, bytes } of lines) {
    const place = String(number);
    if (bytes !== null) yield { place, line: readCaptureLine(bytes), bytes };
    else yield { place, line: { kind: 'fault', detail: `longer than ${MAX_LINE_BYTES} bytes` }, bytes };
  }
}
