import assert from 'node:assert/strict';
import { until } from '../../testing/until.ts';
import type { Adapter } from './adapter.ts';
import type { Stage } from './stage.ts';

/** One thing that a client must do. */
export interface Case {
  /** `topic/what`, unique. */
  readonly name: string;
  /** Rules of SPEC.md that it shows. */
  readonly rules: readonly string[];
  /** What an adapter may say that its platform cannot do: it then passes over the case. */
  readonly needs?: string;
  readonly run: (stage: Stage) => Promise<void>;
}

export const REPLAY = { from: '-1h' } as const;

/** The client has connected so often, and the last connection has said `hello`. */
export async function connected({ proxy }: Stage, times = 1): Promise<void> {
  await until(`connection ${times}`, () => proxy.connections.length >= times && proxy.last.received.length > 0, {
    limitMs: 60_000,
  });
}

/** It has given the events from 0 to before this one. */
export async function gave(adapter: Adapter, to: number): Promise<void> {
  await adapter.says(`event ${to - 1}`, ({ event }) => event?.['n'] === to - 1);
  await until('all of them', () => new Set(adapter.numbers).size >= to, { limitMs: 60_000 });
}

/** Every event from 0 to before `to` once, and in order within its call. */
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

/** Nothing of the kind happens for this long. */
export async function never(what: string, holds: () => boolean, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    assert.ok(!holds(), what);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
