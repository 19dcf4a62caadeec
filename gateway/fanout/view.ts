import type { Grant } from '../auth/grant.ts';
import type { Format, Frames, Round } from './round.ts';
import { framesOf } from './round.ts';
import type { Scratch } from './scratch.ts';
import type { Subscriber } from './subscriber.ts';

export interface Sealed {
  readonly round: number;
  /** Version of the route index it was gathered under: after a change of the tree it must not be used (I5). */
  readonly scope: number;
  readonly chunk: Buffer;
  readonly events: number;
}

/**
 * One scope, filter and format, shared by all connections that asked for the same. It gathers the frames of a round
 * as runs of neighbouring bytes, so that a view of everything is one run and is sent without a copy.
 */
export class View {
  readonly key: string;
  readonly root: string;
  readonly accounts: ReadonlySet<string> | null;
  readonly events: ReadonlySet<string> | null;
  readonly format: Format;
  /** Connections of this view that are at the head of the log. */
  readonly live = new Set<Subscriber>();
  /** Connections of this view in all: at 0 the view goes. */
  references = 0;
  /** Entries of the round at hand that match. */
  matched: number[] = [];
  gathering = -1;
  #sealed: Sealed | null = null;

  constructor(key: string, grant: Grant, format: Format) {
    this.key = key;
    this.root = grant.account;
    this.accounts = grant.accounts === null ? null : new Set(grant.accounts);
    this.events = grant.events === null ? null : new Set(grant.events);
    this.format = format;
  }

  gather(round: number, entry: number): boolean {
    const first = this.gathering !== round;
    if (first) {
      this.gathering = round;
      this.matched.length = 0;
    }
    this.matched.push(entry);
    return first;
  }

  /** The gathered frames as one Buffer that connections share, kept for those that pull the same round later. */
  seal(round: Round, scope: number): Buffer {
    const frames = framesOf(round, this.format);
    const chunk =
      singleRun(frames, this.matched) ??
      copyRuns(frames, this.matched, Buffer.allocUnsafeSlow(bytesOf(frames, this.matched)));
    this.#sealed = { round: round.number, scope, chunk, events: this.matched.length };
    return chunk;
  }

  /** What was sealed for this round under this state of the account tree, else null. */
  sealed(round: number, scope: number): Sealed | null {
    return this.#sealed?.round === round && this.#sealed.scope === scope ? this.#sealed : null;
  }

  /** The gathered frames for one connection, in a pooled buffer that goes back when the socket has taken it. */
  fill(round: Round, scratch: Scratch): { chunk: Buffer; release: (() => void) | null } {
    const frames = framesOf(round, this.format);
    const single = singleRun(frames, this.matched);
    if (single !== null) return { chunk: single, release: null };
    const lease = scratch.take(bytesOf(frames, this.matched));
    copyRuns(frames, this.matched, lease.chunk);
    return lease;
  }
}

/** Same key, same view: order and repetition in the filters do not matter. */
export function viewKey(grant: Grant, format: Format): string {
  const canonical = (list: readonly string[] | null) => (list === null ? null : [...new Set(list)].sort());
  return JSON.stringify([grant.account, canonical(grant.accounts), canonical(grant.events), format]);
}

function bytesOf(frames: Frames, matched: readonly number[]): number {
  let total = 0;
  for (const entry of matched) total += at(frames, entry + 1) - at(frames, entry);
  return total;
}

/** The bytes as they lie when the matched entries are neighbours, else null. */
function singleRun(frames: Frames, matched: readonly number[]): Buffer | null {
  const first = matched[0] ?? 0;
  const last = matched[matched.length - 1] ?? -1;
  return last - first + 1 === matched.length ? frames.buffer.subarray(at(frames, first), at(frames, last + 1)) : null;
}

function copyRuns(frames: Frames, matched: readonly number[], target: Buffer): Buffer {
  let written = 0;
  let index = 0;
  while (index < matched.length) {
    const start = matched[index] ?? 0;
    let end = start + 1;
    index += 1;
    while (matched[index] === end) {
      end += 1;
      index += 1;
    }
    written += frames.buffer.copy(target, written, at(frames, start), at(frames, end));
  }
  return target;
}

function at(frames: Frames, entry: number): number {
  return frames.offsets[entry] ?? 0;
}
