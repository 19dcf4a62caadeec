const CONTROL = '{"_firehose":';

/** Whether a message is a control frame: an event never begins like this. */
export function isFrame(text: string): boolean {
  return text.startsWith(CONTROL);
}

/** Messages in the order of arrival. Taken messages are released at once, however many follow. */
export class Waiting {
  #taking: string[] = [];
  #next = 0;
  #coming: string[] = [];
  #events = 0;

  get length(): number {
    return this.#taking.length - this.#next + this.#coming.length;
  }

  /** Number of messages that are not control frames. */
  get events(): number {
    return this.#events;
  }

  /** The last message; null when none waits. */
  get newest(): string | null {
    if (this.#coming.length > 0) return this.#coming.at(-1) ?? null;
    return this.#next < this.#taking.length ? (this.#taking.at(-1) ?? null) : null;
  }

  add(text: string): void {
    this.#coming.push(text);
    if (!isFrame(text)) this.#events += 1;
  }

  /** Null when none waits. */
  take(): string | null {
    if (this.#next === this.#taking.length) {
      if (this.#coming.length === 0) return null;
      this.#taking = this.#coming;
      this.#coming = [];
      this.#next = 0;
    }
    const text = this.#taking[this.#next] ?? '';
    this.#taking[this.#next] = '';
    this.#next += 1;
    if (!isFrame(text)) this.#events -= 1;
    return text;
  }
}
