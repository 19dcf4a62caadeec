import { resourceKeys } from '../../protocol/keys.ts';
import {
  declarationOf,
  decodeWebhookState,
  WEBHOOK_FIELD,
  type DisabledReason,
  type WebhookState,
} from '../../protocol/webhook-state.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';

/** Interval between two writes of the last success, which need not be exact to the second. */
const SUCCESS_EVERY_MS = 10_000;

export interface SharedStateOptions {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  readonly group: string;
  /** A sender that is off is on again when this changes. */
  readonly declaration: object;
  readonly logger: Logger;
}

/**
 * The replicas' shared state of one sender, in Redis. Decisions of this replica apply here at once, and each `refresh`
 * writes them again until Redis has them. Times are Unix milliseconds.
 */
export class SharedState {
  readonly #options: SharedStateOptions;
  readonly #key: string;
  #current: WebhookState | null = null;
  #owed: Readonly<Record<string, string>> | null = null;
  #wroteSuccessAt = 0;
  /** Lost events that are not reported to Redis yet. */
  #owedLosses = 0;
  #lastCode = '';

  constructor(options: SharedStateOptions) {
    this.#options = options;
    this.#key = resourceKeys(options.keyPrefix, options.resource).webhook(options.group);
  }

  /** Null until Redis has been read: nothing is sent before, because the sender may be off. */
  get current(): WebhookState | null {
    return this.#current;
  }

  /** Writes pending changes and reads the rest. Never rejects. */
  async refresh(): Promise<void> {
    const { client, declaration } = this.#options;
    await this.#trying(async () => {
      await this.#writeLosses();
      const owed = this.#owed;
      if (owed !== null) await client.hset(this.#key, owed);
      if (this.#owed !== owed) return;
      this.#owed = null;
      const read = decodeWebhookState(await client.hgetall(this.#key), declaration);
      // Decisions that were made here while Redis answered are written next.
      if (this.#owed === null) this.#current = read;
    });
  }

  /** A fault of the endpoint. Failing begins now, unless a replica has been failing for longer. */
  async fails(now: number, cause: string): Promise<void> {
    const isNews = this.#current?.failingCause !== cause;
    if (this.#current !== null)
      this.#current = { ...this.#current, failingSince: this.#current.failingSince ?? now, failingCause: cause };
    await this.#trying(async () => {
      const { client } = this.#options;
      await client.hsetnx(this.#key, WEBHOOK_FIELD.failingSince, String(now));
      if (isNews) await client.hset(this.#key, WEBHOOK_FIELD.failingCause, cause);
    });
  }

  /** A request succeeded. */
  async succeeds(now: number): Promise<void> {
    const wasFailing = this.#current?.failingSince !== null;
    if (!wasFailing && now - this.#wroteSuccessAt < SUCCESS_EVERY_MS) return;
    this.#wroteSuccessAt = now;
    if (this.#current !== null)
      this.#current = { ...this.#current, failingSince: null, failingCause: null, succeededAt: now };
    await this.#trying(async () => {
      const { client } = this.#options;
      await client.hset(this.#key, WEBHOOK_FIELD.succeededAt, String(now));
      await client.hdel(this.#key, WEBHOOK_FIELD.failingSince, WEBHOOK_FIELD.failingCause);
    });
  }

  /** Off for all replicas, until the declaration is changed or it is enabled. */
  async disable(reason: DisabledReason, now: number): Promise<void> {
    const { failingSince = null, failingCause = null, succeededAt = null, lost = 0 } = this.#current ?? {};
    this.#current = { disabled: { reason, at: now }, failingSince, failingCause, succeededAt, lost };
    this.#owed = {
      [WEBHOOK_FIELD.disabledReason]: reason,
      [WEBHOOK_FIELD.disabledAt]: String(now),
      [WEBHOOK_FIELD.disabledOf]: declarationOf(this.#options.declaration),
    };
    await this.refresh();
  }

  /** Events that will never be sent: the log no longer had them. Written at the next `refresh`. */
  loses(events: number): void {
    this.#owedLosses += events;
  }

  async #writeLosses(): Promise<void> {
    const losses = this.#owedLosses;
    if (losses === 0) return;
    await this.#options.client.hincrby(this.#key, WEBHOOK_FIELD.lost, losses);
    this.#owedLosses -= losses;
  }

  /** On again for all replicas, with a new clock for `disableAfter`. Rejects with the client's error. */
  async enable(): Promise<void> {
    const { disabledReason, disabledAt, disabledOf, failingSince, failingCause } = WEBHOOK_FIELD;
    const fields = [disabledReason, disabledAt, disabledOf, failingSince, failingCause];
    await this.#options.client.hdel(this.#key, ...fields);
    this.#owed = null;
    await this.refresh();
  }

  /** One line for each reason and outage. */
  async #trying(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#lastCode = '';
    } catch (error) {
      const code = redisErrorCode(error);
      if (code === this.#lastCode) return;
      this.#lastCode = code;
      this.#options.logger.warn({ code }, 'the state of a sender cannot be shared; trying again');
    }
  }
}
