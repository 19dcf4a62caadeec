import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import type { Logger } from '../../../runtime/logging/logger.ts';
import type { Directory } from '../directory.ts';
import { describeFaults, DirectoryFault, type DirectoryFaultCode } from '../fault.ts';
import type { DirectoryStatus, FollowedDirectory } from '../live-directory.ts';
import { readCredentials, type HttpDirectoryConfig } from './configuration.ts';
import { fetchSnapshot } from './fetch-snapshot.ts';
import { LastGoodUnavailable, type KeptHead, type LastGoodStore } from './last-good.ts';
import { readApart, type ReadSnapshot } from './read-apart.ts';
import type { RefreshSignal } from './refresh-signal.ts';
import { judgeShrink, type Shrinking } from './shrink-guard.ts';
import type { SnapshotFormat } from './snapshot.ts';

export type RefreshOutcome = 'changed' | 'unchanged' | DirectoryFaultCode;

export interface HttpDirectoryOptions {
  readonly config: HttpDirectoryConfig;
  /** Null without a Redis: a start while the directory is away then fails. */
  readonly store: LastGoodStore | null;
  readonly pushes: RefreshSignal | null;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onRefresh?: (outcome: RefreshOutcome) => void;
  /** For one answer, default 10 s. */
  readonly limitMs?: number;
}

/** The directory of another platform, followed. */
export interface RefreshedDirectory extends FollowedDirectory {
  /** Asks again now, here and at all other replicas; settles when this replica has asked. Never rejects. */
  refresh(): Promise<void>;
}

/** What is in force, and what it is known by. */
interface InForce {
  readonly directory: Directory;
  readonly etag: string | null;
  readonly digest: string;
  readonly format: SnapshotFormat;
}

/**
 * Asks for the directory, or begins with the last good one while it is away. Rejects with a DirectoryFault when there is
 * neither. Later faults are logged, and the last good directory stays in force.
 */
export async function openHttpDirectory(options: HttpDirectoryOptions): Promise<RefreshedDirectory> {
  const directory = new HttpDirectory(options);
  await directory.start();
  return directory;
}

class HttpDirectory implements RefreshedDirectory {
  readonly #options: HttpDirectoryOptions;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #listeners = new Set<(directory: Directory) => void>();
  #inForce: InForce | null = null;
  /** Accounts of the last good snapshot, until one is in force here. */
  #keptAccounts = 0;
  #shrinking: Shrinking | null = null;
  #status: DirectoryStatus = { loadedAt: 0, faults: 0, confirmedAt: 0, fault: null };
  #told = '';
  #asking: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #following: Promise<unknown> = Promise.resolve();

  constructor(options: HttpDirectoryOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
  }

  get current(): Directory {
    if (this.#inForce === null) throw new Error('unreachable: the first content was awaited');
    return this.#inForce.directory;
  }

  get status(): DirectoryStatus {
    return this.#status;
  }

  onChange(listener: (directory: Directory) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async start(): Promise<void> {
    const kept = await this.#keep((store) => store.head(), null);
    this.#keptAccounts = kept?.accounts ?? 0;
    try {
      await this.#take(true);
    } catch (error) {
      if (!(error instanceof DirectoryFault)) throw error;
      await this.#restore(kept, error);
    }
    const { pushes } = this.#options;
    this.#following = Promise.all([this.#poll(), pushes?.follow(() => void this.#ask(false), this.#signal)]);
  }

  async refresh(): Promise<void> {
    const told = this.#options.pushes?.tell();
    await this.#ask(false);
    await told;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#listeners.clear();
    await this.#following;
    await this.#next;
    await this.#asking;
  }

  async #poll(): Promise<void> {
    const { intervalMs } = this.#options.config;
    while (!this.#signal.aborted) {
      // Replicas that started together do not ask together.
      const wait = intervalMs * (0.8 + 0.4 * Math.random());
      await delay(wait, undefined, { signal: this.#signal, ref: false }).catch(() => undefined);
      if (!this.#signal.aborted) await this.#ask(true);
    }
  }

  /** One question is under way and one waits, however many ask: the one under way may have missed a change. */
  #ask(isTimed: boolean): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve();
    if (this.#asking === null) {
      this.#asking = this.#askOnce(isTimed).finally(() => (this.#asking = null));
      return this.#asking;
    }
    this.#next ??= this.#asking.then(() => {
      this.#next = null;
      return this.#ask(isTimed);
    });
    return this.#next;
  }

  async #askOnce(isTimed: boolean): Promise<void> {
    try {
      await this.#take(isTimed);
    } catch (error) {
      if (this.#signal.aborted) return;
      if (!(error instanceof DirectoryFault)) throw error;
      this.#refuse(error);
    }
  }

  /** Asks, judges and takes over. Throws a DirectoryFault when the content in force stays. */
  async #take(isTimed: boolean): Promise<void> {
    const { config, store, limitMs } = this.#options;
    const credentials = await readCredentials(config);
    const fetched = await fetchSnapshot({
      url: config.url,
      ...credentials,
      policy: config.policy,
      etag: this.#inForce?.etag ?? null,
      signal: this.#signal,
      ...(limitMs !== undefined && { limitMs }),
    });
    if (fetched.kind === 'unchanged') return this.#confirm();
    const { etag, format, body } = fetched;
    const known = this.#inForce?.digest ?? null;
    const read = await readApart({ body, format, known, pack: store !== null, signal: this.#signal });
    if (read === null) {
      if (this.#inForce !== null) this.#inForce = { ...this.#inForce, etag };
      return this.#confirm();
    }
    this.#judgeSize(read.directory, isTimed);
    this.#use({ ...read, etag, format }, Date.now());
    this.#options.onRefresh?.('changed');
    const { packed, digest } = read;
    const accounts = read.directory.accounts.size;
    if (packed !== null) {
      await this.#keep((to) => to.save({ digest, accounts, format, etag }, packed, Date.now()), undefined);
    }
  }

  #judgeSize({ accounts }: Directory, isTimed: boolean): void {
    const before = this.#inForce?.directory.accounts.size ?? this.#keptAccounts;
    const { maxShrinkPercent: maxPercent } = this.#options.config;
    const judged = judgeShrink({ before, after: accounts.size, maxPercent, seen: this.#shrinking, isTimed });
    if (judged === 'take_over') return;
    this.#shrinking = judged;
    const message =
      `has ${accounts.size} accounts after ${before}: it is taken over once three polls in a row serve so few, ` +
      'or with a larger auth.directory.http.maxShrinkPercent';
    throw new DirectoryFault('directory_shrunk', [{ where: 'the directory', message }]);
  }

  #use(next: InForce, confirmedAt: number): void {
    const { directory, etag, digest, format } = next;
    this.#inForce = { directory, etag, digest, format };
    this.#shrinking = null;
    this.#told = '';
    this.#status = { loadedAt: Date.now(), faults: 0, confirmedAt, fault: null };
    const { accounts, ambiguousNames } = directory;
    this.#options.logger.info(
      { accounts: accounts.size, ambiguousNames: ambiguousNames.length },
      'the directory is in force',
    );
    for (const listener of this.#listeners) listener(directory);
  }

  async #confirm(): Promise<void> {
    const now = Date.now();
    this.#shrinking = null;
    this.#told = '';
    this.#status = { ...this.#status, confirmedAt: now, faults: 0, fault: null };
    this.#options.onRefresh?.('unchanged');
    const digest = this.#inForce?.digest;
    if (digest === undefined) return;
    // It was lost, or signed with a key that ends: the next question asks for all of it.
    const isKept = await this.#keep((store) => store.confirm(digest, now), true);
    if (!isKept && this.#inForce !== null) this.#inForce = { ...this.#inForce, etag: null, digest: '' };
  }

  #refuse({ code, faults }: DirectoryFault): void {
    if (code !== 'directory_shrunk') this.#shrinking = null;
    const isOfContent = code === 'directory_invalid';
    this.#status = { ...this.#status, faults: isOfContent ? faults.length : 0, fault: code };
    this.#options.onRefresh?.(code);
    const text = describeFaults(faults);
    if (text === this.#told) return;
    this.#told = text;
    this.#options.logger.error({ code, faults: faults.length }, `the last good directory stays in force\n${text}`);
  }

  /** Begins with the last good snapshot. Throws `cause` when there is none. */
  async #restore(kept: KeptHead | null, cause: DirectoryFault): Promise<void> {
    const packed = kept && (await this.#keep((store) => store.body(), null));
    if (kept === null || packed === null) throw cause;
    const body = Readable.from([packed]).pipe(createGunzip());
    const { format, etag, confirmedAt } = kept;
    let read: ReadSnapshot | null;
    try {
      read = await readApart({ body, format, known: null, pack: false, signal: this.#signal });
    } catch (error) {
      if (this.#signal.aborted) throw error;
      throw cause;
    }
    // Its signature is of other bytes.
    if (read === null || read.digest !== kept.digest) throw cause;
    this.#use({ ...read, etag, format }, confirmedAt);
    this.#refuse(cause);
  }

  /** Without the store, `otherwise`: the directory in force does not depend on it. */
  async #keep<T>(use: (store: LastGoodStore) => Promise<T>, otherwise: T): Promise<T> {
    const { store, logger } = this.#options;
    if (store === null) return otherwise;
    try {
      return await use(store);
    } catch (error) {
      if (!(error instanceof LastGoodUnavailable)) throw error;
      logger.warn({ code: error.code }, 'the last good directory cannot be kept in Redis or read from it');
      return otherwise;
    }
  }
}
