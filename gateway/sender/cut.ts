/** What an order listens to, as of an `AbortSignal`. */
export interface CutSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * Cuts one order off: an `AbortController` for a single listener. There is one for each event that is sent, and an
 * `AbortController` with its listener costs as much as the event's signature.
 */
export class Cut implements CutSignal {
  #aborted = false;
  #listener: (() => void) | null = null;

  get aborted(): boolean {
    return this.#aborted;
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    const listener = this.#listener;
    this.#listener = null;
    listener?.();
  }

  addEventListener(_: 'abort', listener: () => void): void {
    if (this.#listener !== null) throw new Error('unreachable: an order has one request at a time');
    this.#listener = listener;
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = null;
  }
}
