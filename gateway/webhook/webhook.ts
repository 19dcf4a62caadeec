import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { durationMs, type ConsumerGroup } from '../../protocol/subscription.ts';
import type { Webhook as Declaration } from '../../protocol/subscription/webhook.ts';
import { failingMs, type DisabledReason, type WebhookState } from '../../protocol/webhook-state.ts';
import type { EventLog } from '../../event-log/event-log.ts';
import type { AddressPolicy } from '../../runtime/net/address-guard.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { VERSION } from '../../runtime/version.ts';
import type { Grant } from '../auth/grant.ts';
import type { Groups } from '../group/groups.ts';
import type { Redactor } from '../privacy/redactor.ts';
import { Attempts, type Attempt } from './attempts.ts';
import { createWebhookCounters, type WebhookCounters } from './counters.ts';
import { Endpoint } from './endpoint.ts';
import { batchBody, batchId, contentType, eventBody, testBody, webhookId } from './event-body.ts';
import { inWords, judgeAnswer, type Outcome, type Verdict } from './judge-answer.ts';
import { WebhookMember } from './member.ts';
import { Replays, type SentEvent } from './replay.ts';
import { openRequests, type Requests } from './request.ts';
import type { Secrets } from './secrets.ts';
import { SharedState } from './shared-state.ts';
import { show, type ShownWebhook } from './show.ts';
import { signatureOf } from './sign.ts';

/** More than eight members: what one webhook of the resource needs of the gateway. */
export interface WebhookParts {
  readonly group: ConsumerGroup & { readonly account: string; readonly webhook: Declaration };
  readonly groups: Pick<Groups, 'admit' | 'attach'>;
  readonly client: RedisClient;
  readonly keyPrefix: string;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  /** Of CloudEvents. */
  readonly source: string;
  readonly secrets: Secrets;
  /** What it may have of its account's events; connections of its group would have the same. */
  readonly grant: Grant;
  readonly policy: AddressPolicy;
  readonly log: Pick<EventLog, 'range'>;
  /** Whether the group has the event of a meta line, by the account tree as it is now. */
  readonly keeps: () => (metaLine: string) => boolean;
  /** What is shown of the events now; null while nothing may be sent. */
  readonly shown: () => { readonly privacy: Redactor | null } | null;
  /** Whether its owner, not the receiver, switched it off. */
  readonly isSwitchedOff: () => boolean;
  readonly logger: Logger;
}

/** A request, and what it is about. */
interface Posted {
  /** Of its event, or of its batch. */
  readonly id: string;
  readonly attempts: number;
  readonly events: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Why nothing is sent, apart from a pause. unknown: Redis was not read yet. */
export type HeldBack = 'off' | 'switched_off' | 'no_secret' | 'refused' | 'unknown';

/** Milliseconds between two reads of other replicas' decisions. */
const REFRESH_MS = 1_000;
const ADMIT_AGAIN_MS = 1_000;

/** One declared webhook on this replica: it joins its group, sends the group's events, and judges the answers. */
export class Webhook implements Disposable {
  readonly name: string;
  readonly account: string;
  /** Origin of its URL, without path and query. */
  readonly host: string;
  readonly counters: WebhookCounters = createWebhookCounters();
  readonly attempts = new Attempts();
  readonly replays: Replays;
  readonly #parts: WebhookParts;
  readonly #shared: SharedState;
  readonly #endpoint: Endpoint;
  readonly #secrets: Secrets;
  readonly #requests: Requests;
  #member: WebhookMember | null = null;
  #timer: NodeJS.Timeout | null = null;
  #wasHeldBack: HeldBack | null = 'unknown';

  constructor(parts: WebhookParts) {
    const { group, secrets, policy } = parts;
    const { url, timeout, concurrency } = group.webhook;
    this.name = group.name;
    this.account = group.account;
    this.host = new URL(url).host;
    this.#parts = parts;
    this.#shared = new SharedState({ ...parts, group: group.name, webhook: group.webhook });
    this.#endpoint = new Endpoint(concurrency);
    this.#secrets = secrets;
    const ca = () => this.#secrets.current.ca;
    this.#requests = openRequests({ url: new URL(url), policy, timeoutMs: durationMs(timeout), ca });
    this.replays = new Replays({
      ...parts,
      lanes: Math.max(1, Math.floor(concurrency / 4)),
      mayBegin: () => this.heldBack === null && this.#endpoint.roomAt(performance.now()) > 0,
      send: async (event, cut) => {
        const ended = await this.#send([event], cut, true);
        this.#member?.flows();
        return ended;
      },
    });
  }

  get state(): WebhookState | null {
    return this.#shared.current;
  }

  get endpoint(): Pick<Endpoint, 'phase' | 'inFlight' | 'pausedUntil' | 'failures'> {
    return this.#endpoint;
  }

  get heldBack(): HeldBack | null {
    const { current } = this.#shared;
    if (this.#parts.isSwitchedOff()) return 'switched_off';
    if (current === null) return 'unknown';
    if (current.disabled !== null) return 'off';
    if (this.#secrets.current.keys.length === 0) return 'no_secret';
    return this.#parts.shown() === null ? 'refused' : null;
  }

  /** Sends until aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#secrets.follow(signal, () => this.#look()),
      this.#keepShared(signal),
      this.#keepMember(signal),
    ]);
    await this.replays.stop();
    this.#member?.leave();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** On again, from the position of the group. Rejects with the client's error. */
  async enable(): Promise<void> {
    await this.#shared.enable();
    this.#endpoint.tryNow(performance.now());
    this.#look();
    this.#member?.flows();
  }

  shown(): ShownWebhook {
    return show(this);
  }

  /** Sends a test event in any state, and returns the outcome. The state does not change. Never rejects. */
  async test(): Promise<{ readonly id: string; readonly outcome: string; readonly ms: number }> {
    const at = Date.now();
    const begunAt = performance.now();
    const id = `test_${randomUUID()}`;
    if (this.#secrets.current.keys.length === 0) return { id, outcome: 'not sent: no secret can be used', ms: 0 };
    const body = Buffer.from(testBody(at));
    const sending = { headers: this.#headers({ id, body, at }), body, signal: new AbortController().signal };
    const outcome = await this.#requests.send(sending);
    return { id, outcome: inWords(outcome), ms: Math.round(performance.now() - begunAt) };
  }

  /** The directory, the scope or the privacy profiles have changed. */
  look(): void {
    this.#look();
  }

  [Symbol.dispose](): void {
    this.#requests[Symbol.dispose]();
  }

  async #keepShared(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#shared.refresh();
      this.#look();
      await delay(REFRESH_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Joins the group, and again after each end of the membership. */
  async #keepMember(signal: AbortSignal): Promise<void> {
    const { group, groups, grant, logger } = this.#parts;
    let lastCode = '';
    while (!signal.aborted) {
      const admission = await groups.admit(group.name, grant, { regroup: true, isWebhook: true });
      if (signal.aborted) return;
      if (admission.ok) await this.#beMember(grant, signal);
      else if (admission.problem.code !== lastCode) {
        const { code, detail } = admission.problem;
        logger.warn({ code }, `a webhook cannot join its group, and tries again: ${detail}`);
      }
      lastCode = admission.ok ? '' : admission.problem.code;
      await delay(ADMIT_AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Settles when the membership has ended, or when aborted. */
  async #beMember(grant: Grant, signal: AbortSignal): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const { batch } = this.#parts.group.webhook;
    signal.addEventListener('abort', () => resolve(), { once: true });
    this.#member = this.#parts.groups.attach(
      this.name,
      grant,
      (number, group) =>
        new WebhookMember(number, group, {
          room: () => (this.heldBack === null ? this.#endpoint.roomAt(performance.now()) : 0),
          batch: { most: batch.maxEvents, waitMs: batch.maxWaitMilliseconds },
          send: (events, cut) => this.#send(events, cut),
          onGap: (reason, { missed, ids }) => {
            this.#shared.loses(missed ?? Math.max(1, ids.length));
            this.#parts.logger.warn({ reason, missed }, 'events of a webhook are lost: the log no longer has them');
          },
          onSourceGap: () => (this.counters.sourceGaps += 1),
          onLost: (reason) => {
            this.#parts.logger.warn({ reason }, 'a webhook joins its group again');
            resolve();
          },
        }),
    );
    await ended;
  }

  async #send(
    events: readonly SentEvent[],
    cut: AbortSignal,
    isReplay = false,
  ): Promise<{ verdict: Verdict; error: string } | null> {
    const begunAt = performance.now();
    const at = Date.now();
    this.#endpoint.begin();
    const request = this.#request(events, { at, isReplay });
    const outcome = await this.#requests.send({ ...request, signal: cut });
    const now = performance.now();
    if (cut.aborted) {
      this.#endpoint.cut(now);
      this.#wakeLater();
      return null;
    }
    const othersSucceed = this.#endpoint.othersSucceed(request.id, now);
    const verdict = judgeAnswer(outcome, { othersSucceed, now: Date.now() });
    this.#learn(verdict, { id: request.id, begunAt, now });
    this.#note({ ...request, outcome, verdict, at, ms: now - begunAt, isReplay });
    return { verdict, error: inWords(outcome) };
  }

  /** The id is that of the event, or of the batch. */
  #request(events: readonly SentEvent[], { at, isReplay }: { at: number; isReplay: boolean }): Posted {
    const { shown, group, source } = this.#parts;
    const { format } = group.webhook;
    const seen = shown();
    const [event] = events;
    if (seen === null || event === undefined)
      throw new Error('unreachable: nothing is taken while nothing may be sent');
    const bodies = events.map((one) => eventBody(one, { format, source }, seen.privacy));
    const isBatch = group.webhook.batch.maxEvents > 1;
    const body = isBatch ? batchBody(bodies) : (bodies[0] ?? Buffer.alloc(0));
    const id = events.length > 1 ? batchId(events.map(({ eventId }) => eventId)) : event.eventId;
    const { attempts, meta } = event;
    const headers = {
      ...this.#headers({ id: webhookId(id), body, at }),
      'content-type': contentType(format, isBatch),
      'firehose-attempt': String(attempts),
      ...(isReplay && { 'firehose-replay': '1' }),
      ...(events.length === 1 && TRACEPARENT.test(meta.traceparent) && { traceparent: meta.traceparent }),
    };
    return { id, attempts, events: events.length, headers, body };
  }

  #headers({ id, body, at }: { id: string; body: Buffer; at: number }): Readonly<Record<string, string>> {
    const timestamp = Math.floor(at / 1_000);
    return {
      'content-type': 'application/json',
      'user-agent': `Firehose/${VERSION}`,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatureOf({ id, timestamp, body }, this.#secrets.current.keys),
    };
  }

  /** What the verdict says of the endpoint. */
  #learn(verdict: Verdict, of: { id: string; begunAt: number; now: number }): void {
    const { now, begunAt, id } = of;
    if (verdict.kind === 'endpoint') {
      this.#endpoint.fails(now, { begunAt, retryAfterMs: verdict.retryAfterMs });
      void this.#fails();
    } else if (verdict.kind === 'acknowledged') {
      this.#endpoint.succeeds(now);
      void this.#shared.succeeds(Date.now());
    } else if (verdict.kind === 'event') this.#endpoint.refuses(id);
    else this.#endpoint.works();
    if (verdict.kind === 'disable') void this.#disable(verdict.reason);
    this.#wakeLater();
  }

  async #fails(): Promise<void> {
    const now = Date.now();
    await this.#shared.fails(now);
    const { current } = this.#shared;
    const { disableAfter } = this.#parts.group.webhook;
    if (current?.disabled === null && failingMs(current, now) >= durationMs(disableAfter))
      await this.#disable('failing');
  }

  async #disable(reason: DisabledReason): Promise<void> {
    if (this.#shared.current?.disabled !== null) return;
    await this.#shared.disable(reason, Date.now());
    this.#look();
  }

  #note(of: Posted & { outcome: Outcome; verdict: Verdict; at: number; ms: number; isReplay: boolean }): void {
    const { id, attempts, events, outcome, verdict, at, ms, isReplay } = of;
    const answer = outcome.kind === 'answer' ? outcome : null;
    const attempt: Attempt = {
      at,
      eventId: id,
      events,
      attempt: attempts,
      status: answer?.status ?? null,
      code: outcome.kind === 'failure' ? outcome.code : null,
      ms: Math.round(ms),
      answer: answer?.text ?? '',
      verdict: verdict.kind,
      replay: isReplay,
    };
    this.attempts.add(attempt);
    this.counters.requests[verdict.kind] += 1;
    this.counters.requestMs += ms;
  }

  /** Notifies the group when a pause is over. */
  #wakeLater(): void {
    const ms = this.#endpoint.pausedUntil - performance.now();
    if (this.#endpoint.phase !== 'paused' || this.#timer !== null) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#member?.flows();
        // The wait became longer in the meantime.
        this.#wakeLater();
      },
      Math.max(0, ms) + 1,
    );
  }

  /** Logs what holds it back when that changes, and lets the group send once nothing does. */
  #look(): void {
    const { heldBack } = this;
    if (heldBack === this.#wasHeldBack) return;
    this.#wasHeldBack = heldBack;
    const { logger } = this.#parts;
    const reason = this.#shared.current?.disabled?.reason ?? null;
    if (heldBack === 'off') logger.error({ reason }, 'a webhook is switched off: nothing is sent until it is enabled');
    else if (heldBack !== null) logger.warn({ heldBack }, 'a webhook sends nothing now');
    else logger.info('a webhook sends the events of its group');
    if (heldBack === null) this.#member?.flows();
  }
}

/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
