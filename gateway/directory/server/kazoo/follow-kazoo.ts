import { setTimeout as delay } from 'node:timers/promises';
import type { Feed } from '../feed.ts';
import type { KazooTree } from './tree.ts';

export interface FollowOptions {
  readonly tree: KazooTree;
  /** Between two walks while changes are told, and while they are not; milliseconds. */
  readonly walkEveryMs: { readonly live: number; readonly alone: number };
  /** Hears changes until the signal aborts; null: there is no broker. Never rejects. */
  readonly hear:
    | ((heard: { onChange(account: string): void; onState(isUp: boolean): void }, signal: AbortSignal) => Promise<void>)
    | null;
}

/** More changes than these are found by a walk in less time. */
const MOST_REFRESHED = 200;
/** A platform that cannot be asked is asked again. */
const AGAIN_MS = 5_000;
/** A first walk waits so long for the broker, so that it need not be repeated. */
const FIRST_MS = 5_000;

/** Walks through the tree every interval, and asks about each account that has changed as soon as that is heard. */
export class KazooFollower {
  readonly #options: FollowOptions;
  readonly #changed = new Set<string>();
  #isUp = false;
  /** No change was missed since the last walk began. */
  #isCurrent = false;
  #isWalkWanted = true;
  #wake = Promise.withResolvers<void>();

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  /** Whether changes come as they happen. */
  get isUp(): boolean {
    return this.#isUp;
  }

  async run(feed: Feed, signal: AbortSignal): Promise<void> {
    const { hear } = this.#options;
    const hearing = hear?.(
      { onChange: (account) => this.#note(account), onState: (isUp) => this.#noteState(isUp) },
      signal,
    );
    await Promise.all([hearing, this.#walkOn(feed, signal), this.#refreshOn(feed, signal)]);
  }

  #note(account: string): void {
    this.#changed.add(account);
    this.#tell();
  }

  #noteState(isUp: boolean): void {
    this.#isUp = isUp;
    this.#isCurrent = false;
    // What has changed meanwhile was not told.
    if (isUp) this.#isWalkWanted = true;
    this.#tell();
  }

  #tell(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async #walkOn(feed: Feed, signal: AbortSignal): Promise<void> {
    const { tree, walkEveryMs, hear } = this.#options;
    if (hear !== null) await this.#until(() => this.#isUp, FIRST_MS, signal);
    while (!signal.aborted) {
      this.#isWalkWanted = false;
      const isCurrent = this.#isCurrent;
      this.#isCurrent = this.#isUp;
      const isRead = await feed.replace(async () => ({ accounts: await tree.walk(isCurrent, signal), users: [] }));
      if (!isRead) this.#isCurrent = false;
      const pause = isRead ? (this.#isUp ? walkEveryMs.live : walkEveryMs.alone) : AGAIN_MS;
      await this.#until(() => this.#isWalkWanted, pause, signal);
    }
  }

  async #refreshOn(feed: Feed, signal: AbortSignal): Promise<void> {
    const { tree } = this.#options;
    while (!signal.aborted) {
      await this.#until(() => this.#changed.size > 0 && tree.size > 0, Number.POSITIVE_INFINITY, signal);
      const ids = [...this.#changed];
      this.#changed.clear();
      if (ids.length > MOST_REFRESHED) {
        this.#isCurrent = false;
        this.#isWalkWanted = true;
        this.#tell();
        continue;
      }
      if (ids.length === 0) continue;
      const isRead = await feed.change(async () => {
        const { changes, isSure } = await tree.refresh(ids, signal);
        if (!isSure) this.#isWalkWanted = true;
        return changes;
      });
      if (this.#isWalkWanted) this.#tell();
      if (isRead) continue;
      for (const id of ids) this.#changed.add(id);
      await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Waits until it is so, at most this long. */
  async #until(isSo: () => boolean, limitMs: number, signal: AbortSignal): Promise<void> {
    const late = new AbortController();
    const timer = Number.isFinite(limitMs) ? setTimeout(() => late.abort(), limitMs) : undefined;
    const stop = AbortSignal.any([signal, late.signal]);
    const stopped = new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      stop.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!stop.aborted && !isSo()) await Promise.race([this.#wake.promise, stopped]);
    clearTimeout(timer);
  }
}
