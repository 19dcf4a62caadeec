import { say } from './base/announce.ts';
import type { Page } from './base/page.ts';
import type { Place } from './base/route.ts';

/** The pages of a console, of which one is open. */
export class Pages {
  readonly all: readonly Page[];
  /** Reached from other pages alone: they are not in the list. */
  readonly #hidden: readonly Page[];
  #current: Page | null = null;

  constructor(all: readonly Page[], hidden: readonly Page[] = []) {
    this.all = all;
    this.#hidden = hidden;
  }

  get current(): Page | null {
    return this.#current;
  }

  go(place: Place): void {
    const page = [...this.all, ...this.#hidden].find(({ name }) => name === place.page) ?? this.all[0];
    if (page === undefined) return;
    if (page !== this.#current) {
      this.close();
      // What was said is about the page that is left.
      say('');
    }
    this.#current = page;
    document.title = `${page.title} – Firehose console`;
    page.enter?.(place);
  }

  close(): void {
    this.#current?.leave?.();
    this.#current = null;
  }
}
