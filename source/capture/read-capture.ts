import { AmiError, createAmiParser } from '../ami/ami-parser.ts';
import { readEslMessage } from '../esl/esl-event.ts';
import { createEslParser, EslError } from '../esl/esl-parser.ts';
import type { SwitchEvent } from '../mapper.ts';
import type { CaptureKind } from './capture-kinds.ts';
import { readCaptureLine, type CaptureLine } from './read-line.ts';
import { splitLines } from './split-lines.ts';

/** One thing of a capture, with its place: a line, or a message of a raw stream, counted from 1. */
export interface CaptureItem {
  readonly place: string;
  readonly line: CaptureLine;
  /** Its bytes, when it is a line. */
  readonly bytes: Buffer | null;
}

/** No event of these switches has 1 MiB. */
const MAX_LINE_BYTES = 1_048_576;
const RAW: ReadonlySet<CaptureKind> = new Set(['freeswitch', 'asterisk-ami']);
const SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const OPEN_OBJECT = 0x7b;
const BYTE_ORDER_MARK = 0xef;

/**
 * Reads NDJSON, or, of FreeSWITCH and AMI, the bytes as they came from the socket: the first byte tells which. Holds one
 * line or message at a time.
 */
export async function* readCapture(kind: CaptureKind, chunks: AsyncIterable<Buffer>): AsyncGenerator<CaptureItem> {
  const iterator = chunks[Symbol.asyncIterator]();
  const early: Buffer[] = [];
  let first: number | undefined;
  while (first === undefined) {
    const next = await iterator.next();
    if (next.done === true) break;
    early.push(next.value);
    first = next.value.find((byte) => !SPACE.has(byte));
  }
  const rest = follow(early, iterator);
  const isRaw = RAW.has(kind) && first !== undefined && first !== OPEN_OBJECT && first !== BYTE_ORDER_MARK;
  if (!isRaw) yield* readLines(rest);
  else if (kind === 'freeswitch') yield* readEsl(rest);
  else yield* readAmi(rest);
}

async function* follow(early: readonly Buffer[], iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* early;
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) return;
    yield next.value;
  }
}

async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<CaptureItem> {
  for await (const { number, bytes } of splitLines(chunks, MAX_LINE_BYTES)) {
    const place = String(number);
    if (bytes === null) yield { place, line: fault(`longer than ${MAX_LINE_BYTES} bytes`), bytes };
    else yield { place, line: readCaptureLine(bytes), bytes };
  }
}

async function* readEsl(chunks: AsyncIterable<Buffer>): AsyncGenerator<CaptureItem> {
  const parser = createEslParser();
  let number = 0;
  for await (const chunk of chunks) {
    try {
      for (const message of parser.push(chunk)) {
        number += 1;
        const read = readEslMessage(message);
        if (read.kind === 'event') yield item(number, event(read.event));
        if (read.kind === 'malformed') yield item(number, fault(read.detail));
      }
    } catch (error) {
      if (!(error instanceof EslError)) throw error;
      yield item(number + 1, fault(`no stream of the event socket: ${error.message}`));
      return;
    }
  }
  if (parser.pending() > 0) yield item(number + 1, fault('the message does not end'));
}

async function* readAmi(chunks: AsyncIterable<Buffer>): AsyncGenerator<CaptureItem> {
  const parser = createAmiParser();
  let number = 0;
  for await (const chunk of chunks) {
    try {
      for (const message of parser.push(chunk)) {
        number += 1;
        if (message['Event'] !== undefined) yield item(number, event(message));
        else if (message['Response'] === undefined && message['Banner'] === undefined) {
          yield item(number, fault('neither an event nor a response of AMI'));
        }
      }
    } catch (error) {
      if (!(error instanceof AmiError)) throw error;
      yield item(number + 1, fault(`no stream of AMI: ${error.message}`));
      return;
    }
  }
  if (parser.pending() > 0) yield item(number + 1, fault('the message does not end'));
}

function item(number: number, line: CaptureLine): CaptureItem {
  return { place: `message ${number}`, line, bytes: null };
}

function event(read: SwitchEvent): CaptureLine {
  return { kind: 'event', event: read, received: undefined, routingKey: undefined, body: undefined, isBare: true };
}

function fault(detail: string): CaptureLine {
  return { kind: 'fault', detail };
}
