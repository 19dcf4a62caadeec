import { constants, crc32, deflateRawSync } from 'node:zlib';
import { createSimulator } from '../../protocol/simulator/simulator.ts';

/** More than fit in any window of compression. */
const EVENTS = 4_096;
const START_MS = Date.UTC(2026, 0, 5, 9);
const CALLS_A_SECOND = 20;
const STEP_MS = 1_000;

/**
 * Events of simulated calls, for measurements that depend on content: compression, privacy. One on each line, without
 * the opening brace: the head with the receiver's numbers comes before it. The text after "Bench-Sum" has that CRC-32.
 */
export function eventLines(id: string): readonly string[] {
  const account = { id, name: id, realm: 'benchmark.sip.example.com' };
  const simulator = createSimulator({
    seed: 'benchmark',
    accounts: [account],
    callsPerSecond: CALLS_A_SECOND,
    startAt: START_MS,
  });
  const lines: string[] = [];
  // The first minute contains only beginnings of calls.
  simulator.next(START_MS + 60_000);
  for (let until = START_MS + 60_000; lines.length < EVENTS; until += STEP_MS) {
    for (const { json } of simulator.next(until)) lines.push(lineOf(json));
  }
  return lines.slice(0, EVENTS);
}

function lineOf(json: string): string {
  const rest = `,${json.slice(1)}`;
  return `"Bench-Sum":${crc32(rest)}${rest}`;
}

/** Approximate size of the head before a line, in bytes. */
const HEAD = '{"Bench-Part":0,"Bench-Seq":100000,"Bench-Sent":1764500000000000,'.length;

/** Mean bytes of an event of these lines. */
export function meanBytes(lines: readonly string[]): number {
  return Math.round(lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0) / lines.length) + HEAD;
}

const DICTIONARY_BYTES = 8 * 1024;
const TRIED = 256;

/** Data that the C floor writes in the place of compressed events: from zlib, independent of the gateway's result. */
export function meanDeflatedBytes(lines: readonly string[]): number {
  const events = lines.slice(0, TRIED).map((line) => Buffer.from(line));
  const all = Buffer.concat(events);
  let at = 0;
  let sum = 0;
  for (const event of events) {
    const dictionary = all.subarray(Math.max(0, at - DICTIONARY_BYTES), at);
    const options = { level: 1, finishFlush: constants.Z_SYNC_FLUSH, ...(at > 0 && { dictionary }) };
    sum += deflateRawSync(event, options).length;
    at += event.length;
  }
  return Math.round(sum / events.length);
}
