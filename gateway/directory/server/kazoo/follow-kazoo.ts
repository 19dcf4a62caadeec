import { setTimeout as delay } from 'node:timers/promises';
import type { Feed } from '../feed.ts';
import type { KazooTree } from './tree.ts';

export interface FollowOptions {
  readonly tree: KazooTree;
  /** Milliseconds between two walks, while changes are received and while they are not. */
  readonly walkEveryMs: { readonly live: number; readonly alone: number };
  /** Receives changes until the signal aborts; null without a broker. Never rejects. */
  readonly hear:
    | ((heard: { onChange(account: string): void; onState(isUp: boolean): void }, signal: AbortSignal) => Promise<void>)
    | null;
}

/** For more changes than this, a walk takes less time. */
const MOST_REFRESHED = 200;
/** Delay before a failed request to the platform is repeated. */
const AGAIN_MS = 5_000;
/** How long the first walk waits for the broker, so that it need not be repeated. */
const FIRST_MS = 5_000;

/** Walks through the tree every interval, and requests each changed account as soon as its change is received. */
export class KazooFollower {
  readonly #options: FollowOptions;
  readonly #changed = new Set<string>();
  #isUp = false;
  /** Whether no change was missed since the last walk began. */
  #isCurrent = false;
  #isWalkWanted = true;
  #wake = Promise.withResolvers<void>();

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  /** Whether changes are received as they happen. */
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
    // Changes in between were not received.
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
