import type { CallFacts } from './event-fields.ts';
import type { Step } from './call-script.ts';

/** A call with remaining steps. */
export interface RunningCall {
  /** Number of the call in a run; orders two events of one millisecond. */
  readonly number: number;
  readonly steps: readonly Step[];
  readonly facts: CallFacts;
  /** Prefix of the ids of the call's events. */
  readonly eventIds: string;
  /** Number of returned steps. */
  done: number;
}

/** The running calls, the one with the earliest next step first. */
export interface CallQueue {
  add(call: RunningCall): void;
  /** Unix milliseconds of the earliest step, Infinity when no call is running. */
  nextAt(): number;
  /** Removes the call with the earliest step. Throws a RangeError when there is none. */
  take(): RunningCall;
}

/**
 * A binary heap over calls, not over events: at 1,000 calls a second about 40,000 run at once, and each of their events
 * costs one pass through the heap.
 */
export function createCallQueue(): CallQueue {
  const heap: RunningCall[] = [];
  return {
    nextAt: () => (heap[0] === undefined ? Number.POSITIVE_INFINITY : nextStepAt(heap[0])),
    add(call) {
      heap.push(call);
      rise(heap, call);
    },
    take() {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) throw new RangeError('no call is running');
      if (first !== last) sink(heap, last);
      return first;
    },
  };
}

export function nextStepAt(call: RunningCall): number {
  return call.steps[call.done]?.at ?? Number.POSITIVE_INFINITY;
}

function isBefore(a: RunningCall, b: RunningCall): boolean {
  const difference = nextStepAt(a) - nextStepAt(b);
  return difference === 0 ? a.number < b.number : difference < 0;
}

/** Moves the call in the last place up to where it belongs. */
function rise(heap: RunningCall[], call: RunningCall): void {
  let index = heap.length - 1;
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || !isBefore(call, parent)) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = call;
}

/** Puts the call in the first place and moves it down to where it belongs. */
function sink(heap: RunningCall[], call: RunningCall): void {
  let index = 0;
  for (;;) {
    const left = heap[index * 2 + 1];
    const right = heap[index * 2 + 2];
    const isRight = left !== undefined && right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (child === undefined || !isBefore(child, call)) break;
    heap[index] = child;
    index = index * 2 + (isRight ? 2 : 1);
  }
  heap[index] = call;
}
