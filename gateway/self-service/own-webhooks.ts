import { createSecretKey } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { releaseOwnWebhook } from '../../event-log/provisioning/own-webhooks.ts';
import { groupKeys, groupName } from '../../protocol/keys.ts';
import type { OwnWebhookOf } from '../../protocol/own-webhook.ts';
import { Background } from '../../runtime/lifecycle/background.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { Groups } from '../group/groups.ts';
import { addCounters, createSenderCounters, type SenderCounters } from '../sender/counters.ts';
import { parseSecret } from '../webhook/sign.ts';
import type { Sender } from '../sender/sender.ts';
import { encodeRecord, groupOf, tokenOf, type OwnWebhook } from './record.ts';
import { RunningWebhook, type RunningParts } from './running.ts';
import { Absences } from './absences.ts';
import { OwnBacklog } from './own-backlog.ts';
import { sealedAgain } from './seal-again.ts';
import { openSecret, sealSecret, type SealKeys } from './seal-secret.ts';
import type { OwnWebhookStore, Stored } from './store.ts';

export interface OwnWebhooksParts extends Omit<RunningParts, 'keysOf' | 'onEnded' | 'groups'> {
  readonly store: OwnWebhookStore;
  readonly keys: SealKeys;
  readonly partitions: number;
  readonly groups: Pick<Groups, 'admit' | 'attach' | 'useOwn'>;
  readonly isRevoked: (token: VerifiedToken) => boolean;
  /** Whether the directory has the account. */
  readonly hasAccount: (account: string) => boolean;
  /** How long the log keeps events: webhooks of an account that is missing for longer are deleted. */
  readonly retentionMs: number;
}

/** Milliseconds between two looks for changes by other replicas. */
const REFRESH_MS = 1_000;
/** By then every replica that can reach Redis has stopped a deleted webhook. */
const RELEASED_AFTER_MS = 5_000;
/** For this long the group of a deleted webhook is removed again: a replica that could not reach Redis may create it. */
const FORGOTTEN_AFTER_MS = 60_000;

/** The self-service webhooks of the resource on this replica, as Redis has them. */
export class OwnWebhooks implements AsyncDisposable {
  readonly #parts: OwnWebhooksParts;
  readonly #absences: Absences;
  readonly #backlog: OwnBacklog;
  readonly #background = new Background();
  readonly #stop = new AbortController();
  readonly #running = new Map<string, RunningWebhook>();
  #known: ReadonlyMap<string, OwnWebhook> = new Map();
  #gone: Stored['gone'] = [];
  /** Since when this replica knows of a deletion (monotonic), by id. */
  readonly #goneSince = new Map<string, number>();
  /** Webhooks whose creation failed half-way: they are deleted as soon as Redis answers. */
  #abandoned: readonly OwnWebhookOf[] = [];
  /** Of the webhooks that have ended on this replica. */
  readonly #ended = createSenderCounters();
  #revision: string | null = null;
  #reading: Promise<void> | null = null;
  #lastCode = '';

  constructor(parts: OwnWebhooksParts) {
    this.#parts = parts;
    this.#absences = new Absences(parts.retentionMs);
    this.#backlog = new OwnBacklog(parts);
  }

  /** Follows Redis until it is disposed of. */
  start(): void {
    this.#background.run(this.#follow());
  }

  of(account: string): readonly OwnWebhook[] {
    return [...this.#known.values()].filter((one) => one.account === account);
  }

  find({ account, id }: OwnWebhookOf): OwnWebhook | null {
    const found = this.#known.get(id);
    return found?.account === account ? found : null;
  }

  /** Of any account: for administrators. */
  byId(id: string): OwnWebhook | null {
    return this.#known.get(id) ?? null;
  }

  /** What each has not delivered, by its id. At most some ten seconds old. */
  get backlog(): OwnBacklog['current'] {
    return this.#backlog.current;
  }

  /** The consumer group of a webhook; null for another name. */
  groupOf(name: string): { readonly name: string; readonly account: string } | null {
    const found = this.#known.get(name);
    return found === undefined ? null : { name, account: found.account };
  }

  /** Null while it starts. */
  running(id: string): Sender | null {
    return this.#running.get(id)?.webhook ?? null;
  }

  get all(): readonly Sender[] {
    return [...this.#running.values()].flatMap(({ webhook }) => webhook ?? []);
  }

  /** Sums over all since the start. */
  get counters(): Readonly<SenderCounters> {
    const sum = createSenderCounters();
    for (const counters of [this.#ended, ...this.all.map((one) => one.counters)]) addCounters(sum, counters);
    return sum;
  }

  /** Reads what has changed. Rejects with the client's error. */
  async refresh(): Promise<void> {
    // A read that runs may have begun before the change.
    await this.#reading;
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    await this.#reading;
  }

  /** Deletes a webhook whose creation failed, now or as soon as Redis answers. Never rejects. */
  async abandon(of: OwnWebhookOf): Promise<void> {
    this.#abandoned = [...this.#abandoned, of];
    await this.#deleteAbandoned().catch((error: unknown) => this.#failed(error));
  }

  /** Events of a webhook that were given up. Rejects with the client's error. */
  async deadLetters({ account, id }: OwnWebhookOf): Promise<number> {
    const { client, keyPrefix, partitions, resource } = this.#parts;
    const name = groupName(resource, id, account);
    const keys = Array.from({ length: partitions }, (_, at) => groupKeys(keyPrefix, at, name).dead);
    const counts = await Promise.all(keys.map((key) => client.xlen(key)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** The directory, the scope, the privacy profiles or the revocations have changed. */
  look(): void {
    for (const webhook of this.all) webhook.look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#background.settled();
    await Promise.all([...this.#running.values()].map((one) => one.use(null)));
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#deleteAbandoned();
        await this.refresh();
        await this.#deleteOrphans();
        for (const webhook of this.#known.values()) await this.#keep(webhook);
        for (const gone of this.#gone) await this.#release(gone);
        await this.#backlog.refresh(this.#known.values(), performance.now());
        this.#lastCode = '';
      } catch (error) {
        this.#failed(error);
      }
      await delay(REFRESH_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #deleteAbandoned(): Promise<void> {
    for (const of of this.#abandoned) {
      await this.#parts.store.abandon(of);
      this.#abandoned = this.#abandoned.filter((one) => one !== of);
    }
  }

  async #read(): Promise<void> {
    const stored = await this.#parts.store.read(this.#revision);
    if (stored === null || this.#stop.signal.aborted) return;
    this.#revision = stored.revision;
    this.#gone = stored.gone;
    if (stored.unreadable.length > 0)
      this.#parts.logger.warn(
        { webhooks: stored.unreadable },
        'self-service webhooks cannot be read: nothing is sent for them',
      );
    const left = new Set(stored.gone.map(({ id }) => id));
    for (const id of this.#goneSince.keys()) if (!left.has(id)) this.#goneSince.delete(id);
    this.#known = new Map(stored.webhooks.map((one) => [one.id, one]));
    for (const [id, running] of this.#running) if (!this.#known.has(id)) this.#end(id, running);
    this.#parts.groups.useOwn(stored.webhooks.map(groupOf));
    for (const webhook of this.#known.values()) {
      const running = this.#running.get(webhook.id) ?? this.#begin(webhook.id);
      this.#background.run(running.use(webhook));
    }
  }

  #begin(id: string): RunningWebhook {
    const running = new RunningWebhook({
      ...this.#parts,
      keysOf: (webhook) => this.#keysOf(webhook),
      onEnded: (counters) => addCounters(this.#ended, counters),
    });
    this.#running.set(id, running);
    return running;
  }

  #end(id: string, running: RunningWebhook): void {
    this.#running.delete(id);
    this.#background.run(running.use(null));
  }

  /** Deletes webhooks whose account is missing for so long that the log no longer has what they did not get. */
  async #deleteOrphans(): Promise<void> {
    const { hasAccount, store, logger } = this.#parts;
    const all = [...this.#known.values()];
    const missing = new Set(all.map(({ account }) => account).filter((account) => !hasAccount(account)));
    const gone = this.#absences.look(missing, performance.now());
    for (const { account, id } of all) {
      if (!gone.has(account) || !(await store.remove({ account, id }))) continue;
      logger.info({ account, webhook: id }, 'a self-service webhook is deleted: its account was missing for too long');
    }
  }

  /** Switches off a webhook whose token was revoked, and seals secrets again that a former key sealed. */
  async #keep(webhook: OwnWebhook): Promise<void> {
    const { isRevoked, store, logger } = this.#parts;
    const { record } = webhook;
    if (record.off === null && isRevoked(tokenOf(webhook))) {
      const changed = await store.change(webhook, encodeRecord({ ...record, off: 'revoked' }));
      const { account, id } = webhook;
      if (changed === 'changed')
        logger.warn(
          { account, webhook: id },
          'a self-service webhook is off: the token that vouches for it was revoked',
        );
      return;
    }
    const sealed = sealedAgain(record, { keys: this.#parts.keys, of: this.#nameOf(webhook), now: Date.now() });
    if (sealed !== null) await store.change(webhook, encodeRecord(sealed));
  }

  /** A new secret for a record, and how it is stored. */
  seal(of: OwnWebhookOf, secret: string): string {
    const parsed = parseSecret(secret);
    if ('fault' in parsed) throw new Error(`unreachable: the new secret ${parsed.fault}`);
    return sealSecret(parsed.key.secret.export(), this.#parts.keys, this.#nameOf(of));
  }

  #keysOf({ record, ...of }: OwnWebhook) {
    const { secret, previous } = record;
    const sealed = [{ secret, until: Number.POSITIVE_INFINITY }, ...(previous === null ? [] : [previous])];
    return sealed.flatMap(({ secret: text, until }) => {
      const bytes = openSecret(text, this.#parts.keys, this.#nameOf(of));
      return bytes === null ? [] : [{ secret: createSecretKey(bytes), until }];
    });
  }

  #nameOf({ account, id }: OwnWebhookOf): string {
    return `${this.#parts.resource}/${account}/${id}`;
  }

  /** Removes what a deleted webhook has in Redis. Safe to repeat: several replicas do it. */
  async #release(of: OwnWebhookOf): Promise<void> {
    const { client, keyPrefix, partitions, resource, store } = this.#parts;
    const now = performance.now();
    const age = now - (this.#goneSince.get(of.id) ?? now);
    if (age === 0) this.#goneSince.set(of.id, now);
    if (age < RELEASED_AFTER_MS) return;
    await releaseOwnWebhook(client, { keyPrefix, partitions, resource }, of);
    if (age > FORGOTTEN_AFTER_MS) await store.forget(of);
  }

  /** One line for each reason and outage. */
  #failed(error: unknown): void {
    const code = redisErrorCode(error);
    const { logger } = this.#parts;
    if (code === 'UNKNOWN') logger.error({ err: error }, 'unexpected error of the self-service webhooks');
    else if (code !== this.#lastCode)
      logger.warn({ code }, 'the self-service webhooks cannot be read now; the last known ones stay');
    this.#lastCode = code;
  }
}
