import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import type { Logger } from '../../../runtime/logging/logger.ts';
import { planChange } from '../change-directory.ts';
import type { IndexedDirectory } from '../directory-index.ts';
import type { Directory } from '../directory.ts';
import { describeFaults, DirectoryFault, type DirectoryFaultCode } from '../fault.ts';
import type { DirectoryStatus, FollowedDirectory } from '../live-directory.ts';
import { readCredentials, type HttpDirectoryConfig } from './configuration.ts';
import { fetchSnapshot, type FetchedSnapshot } from './fetch-snapshot.ts';
import { LastGoodUnavailable, type KeptHead, type LastGoodStore } from './last-good.ts';
import { readApart, type ReadSnapshot } from './read-apart.ts';
import { readChanges } from './read-changes.ts';
import type { RefreshSignal } from './refresh-signal.ts';
import { judgeShrink, type Shrinking } from './shrink-guard.ts';
import type { SnapshotFormat } from './snapshot.ts';

export type RefreshOutcome = 'changed' | 'unchanged' | DirectoryFaultCode;

export interface HttpDirectoryOptions {
  readonly config: HttpDirectoryConfig;
  /** Null without Redis: a start then fails while the directory server is away. */
  readonly store: LastGoodStore | null;
  readonly pushes: RefreshSignal | null;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onRefresh?: (outcome: RefreshOutcome) => void;
  /** Limit for one answer in milliseconds, default 10 s. */
  readonly limitMs?: number;
}

/** Follows the directory of a platform. */
export interface RefreshedDirectory extends FollowedDirectory {
  /** Polls now, here and on all other replicas. Settles when this replica has polled. Never rejects. */
  refresh(): Promise<void>;
}

/** The directory in force, and what identifies it. */
interface InForce {
  readonly directory: IndexedDirectory;
  readonly etag: string | null;
  /** Digest of the whole directory's bytes; empty after changes. */
  readonly digest: string;
  readonly format: SnapshotFormat;
  /** Number of changes since the whole directory was read. */
  readonly since: { readonly changes: number; readonly at: number };
}

/** After this time the whole directory is requested, so that a defect in a server's changes does not last. */
const MOST_CHANGES_SINCE = 50_000;
const WHOLE_EVERY_MS = 24 * 3_600_000;

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
  /** Number of accounts of the last good snapshot, until a directory is in force here. */
  #keptAccounts = 0;
  #shrinking: Shrinking | null = null;
  /** Consecutive confirmations that found a different directory in Redis. */
  #missed = 0;
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

  /** At most one poll runs and one waits: the running one may have missed a change. */
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

  /** Polls, judges the answer and puts it in force. Throws a DirectoryFault when the directory in force stays. */
  async #take(isTimed: boolean): Promise<void> {
    const inForce = this.#inForce;
    if (inForce !== null && inForce.etag !== null && isFresh(inForce, Date.now())) {
      const fetched = await this.#fetch(inForce.etag, true);
      if (fetched.kind !== 'changes') return this.#takeWhole(fetched, isTimed);
      if (await this.#takeChanges(inForce, fetched, isTimed)) return;
      // Changes that are not valid: the whole directory is requested, and its faults are reported.
      this.#options.logger.info('the changes of the directory are not valid: the whole directory is requested');
      return this.#takeWhole(await this.#fetch(null, false), isTimed);
    }
    return this.#takeWhole(await this.#fetch(null, false), isTimed);
  }

  async #fetch(etag: string | null, takesChanges: boolean): Promise<FetchedSnapshot> {
    const { config, limitMs } = this.#options;
    return fetchSnapshot({
      url: config.url,
      ...(await readCredentials(config)),
      policy: config.policy,
      etag,
      takesChanges,
      signal: this.#signal,
      ...(limitMs !== undefined && { limitMs }),
    });
  }

  /** False when the changes are not valid. */
  async #takeChanges(
    { directory, format, since, etag: from }: InForce,
    { etag, body }: Extract<FetchedSnapshot, { kind: 'changes' }>,
    isTimed: boolean,
  ): Promise<boolean> {
    const lines = await textOf(body);
    const changes = readChanges(lines);
    const plan = changes && planChange(directory, changes);
    if (changes === null || plan === null || from === null) return false;
    this.#judgeSize(plan.accounts, isTimed);
    const next = { changes: since.changes + changes.accounts.length + changes.users.length, at: since.at };
    this.#use({ directory: plan.apply(), etag, digest: '', format, since: next }, Date.now());
    this.#options.onRefresh?.('changed');
    const step = { from, etag, accounts: plan.accounts, lines };
    await this.#keep((store) => store.append(step, Date.now()), undefined);
    return true;
  }

  async #takeWhole(fetched: FetchedSnapshot, isTimed: boolean): Promise<void> {
    const { store } = this.#options;
    if (fetched.kind === 'unchanged') return this.#confirm();
    if (fetched.kind === 'changes') throw new Error('unreachable: changes were not asked for');
    const { etag, format, body } = fetched;
    const known = this.#inForce?.digest ?? null;
    const read = await readApart({ body, format, known, pack: store !== null, signal: this.#signal });
    if (read === null) {
      if (this.#inForce !== null) this.#inForce = { ...this.#inForce, etag, since: { changes: 0, at: Date.now() } };
      return this.#confirm();
    }
    this.#judgeSize(read.directory.accounts.size, isTimed);
    this.#use({ ...read, etag, format, since: { changes: 0, at: Date.now() } }, Date.now());
    this.#options.onRefresh?.('changed');
    const { packed, digest } = read;
    const accounts = read.directory.accounts.size;
    if (packed !== null) {
      await this.#keep((to) => to.save({ digest, accounts, format, etag }, packed, Date.now()), undefined);
    }
  }

  #judgeSize(after: number, isTimed: boolean): void {
    const before = this.#inForce?.directory.accounts.size ?? this.#keptAccounts;
    const { maxShrinkPercent: maxPercent } = this.#options.config;
    const judged = judgeShrink({ before, after, maxPercent, seen: this.#shrinking, isTimed });
    if (judged === 'take_over') return;
    this.#shrinking = judged;
    const message =
      `has ${after} accounts after ${before}: it is taken over once three polls in a row serve so few, ` +
      'or with a larger auth.directory.http.maxShrinkPercent';
    throw new DirectoryFault('directory_shrunk', [{ where: 'the directory', message }]);
  }

  #use(next: InForce, confirmedAt: number): void {
    const { directory, etag, digest, format, since } = next;
    this.#inForce = { directory, etag, digest, format, since };
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
    const content = this.#inForce;
    if (content === null) return;
    const isKept = await this.#keep((store) => store.confirm(content, now), true);
    this.#missed = isKept ? 0 : this.#missed + 1;
    // Redis lost it, or its signing key ends: the next poll requests the whole. Once, another replica may be ahead instead.
    if (this.#missed >= 2 && this.#inForce !== null) {
      this.#missed = 0;
      this.#inForce = { ...this.#inForce, etag: null, digest: '' };
    }
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
    const steps = kept && (await this.#keep((store) => store.changes(kept), null));
    if (kept === null || packed === null || steps === null) throw cause;
    const { format, etag, confirmedAt } = kept;
    const read = await this.#readKept(packed, format);
    // The kept signature is that of other bytes.
    if (read?.digest !== kept.digest) throw cause;
    let { directory } = read;
    for (const lines of steps) {
      const changes = readChanges(lines);
      const plan = changes && planChange(directory, changes);
      if (plan === null) throw cause;
      directory = plan.apply();
    }
    const digest = steps.length === 0 ? read.digest : '';
    this.#use({ directory, digest, etag, format, since: { changes: 0, at: Date.now() } }, confirmedAt);
    this.#refuse(cause);
  }

  /** Null when the bytes are not a directory. */
  async #readKept(packed: Uint8Array, format: SnapshotFormat): Promise<ReadSnapshot | null> {
    const body = Readable.from([packed]).pipe(createGunzip());
    try {
      return await readApart({ body, format, known: null, pack: false, signal: this.#signal });
    } catch (error) {
      if (this.#signal.aborted) throw error;
      return null;
    }
  }

  /** Returns `otherwise` when the store fails: the directory in force does not depend on it. */
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

function isFresh({ since }: InForce, now: number): boolean {
  return since.changes < MOST_CHANGES_SINCE && now - since.at < WHOLE_EVERY_MS;
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
