import assert from 'node:assert/strict';
import { until } from '../../testing/until.ts';
import type { Adapter } from './adapter.ts';
import type { Stage } from './stage.ts';

/** One requirement for a client. */
export interface Case {
  /** `topic/what`, unique. */
  readonly name: string;
  /** Rules of SPEC.md that the case tests. */
  readonly rules: readonly string[];
  /** What a platform may lack, as its adapter reports: the case is then skipped. */
  readonly needs?: string;
  readonly run: (stage: Stage) => Promise<void>;
}

export const REPLAY = { from: '-1h' } as const;

/** Waits until the client has connected this many times, and the last connection has sent `hello`. */
export async function connected({ proxy }: Stage, times = 1): Promise<void> {
  await until(`connection ${times}`, () => proxy.connections.length >= times && proxy.last.received.length > 0, {
    limitMs: 60_000,
  });
}

/** Waits until it has reported the events from 0 up to, but without, this one. */
export async function gave(adapter: Adapter, to: number): Promise<void> {
  await adapter.says(`event ${to - 1}`, ({ event }) => event?.['n'] === to - 1);
  await until('all of them', () => new Set(adapter.numbers).size >= to, { limitMs: 60_000 });
}

/** Every event from 0 up to, but without, `to` once, and in order within its call. */
export function eachOnce(numbers: readonly number[], to: number): void {
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: to }, (_, n) => n),
    'each event once',
  );
  for (let call = 0; call < 7; call += 1) {
    const own = numbers.filter((n) => n % 7 === call);
    assert.deepEqual(
      own,
      own.toSorted((a, b) => a - b),
      'in order within a call',
    );
  }
}

/** Fails if such a report arrives within this time. */
export async function never(what: string, holds: () => boolean, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    assert.ok(!holds(), what);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
