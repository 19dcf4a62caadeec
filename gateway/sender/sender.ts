import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { failingMs, type DisabledReason, type WebhookState } from '../../protocol/webhook-state.ts';
import type { EventLog } from '../../event-log/event-log.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import type { Grant } from '../auth/grant.ts';
import type { Groups } from '../group/groups.ts';
import type { Redactor } from '../privacy/redactor.ts';
import { Attempts } from './attempts.ts';
import type { Channel, Ended, Order } from './channel.ts';
import { createSenderCounters, type SenderCounters } from './counters.ts';
import type { CutSignal } from './cut.ts';
import { Endpoint } from './endpoint.ts';
import { batchId } from './event-body.ts';
import { SenderMember } from './member.ts';
import { Replays, type SentEvent } from './replay.ts';
import { SharedState } from './shared-state.ts';
import { show, type ShownSender } from './show.ts';

/** A group whose events are sent somewhere. */
export type SentGroup = ConsumerGroup & { readonly account: string };

/** What all senders of a resource have of the gateway. */
export interface GatewayParts {
  readonly groups: Pick<Groups, 'admit' | 'attach'>;
  readonly client: RedisClient;
  readonly keyPrefix: string;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  readonly log: Pick<EventLog, 'range'>;
  readonly logger: Logger;
}

/** More than eight members: what one sender needs, and what it has of the gateway. */
export interface SenderParts extends GatewayParts {
  readonly group: SentGroup;
  /** What it may have of its account's events; connections of its group would have the same. */
  readonly grant: Grant;
  /** In logs: `a webhook`, `a NATS sink`. */
  readonly title: string;
  readonly channel: Channel;
  /** The webhook or sink as declared. A sender that is off is on again when this changes. */
  readonly declaration: object;
  /** It is switched off when nothing succeeds for so long; null: never. */
  readonly disableAfterMs: number | null;
  /** Whether the group has the event of a meta line, by the account tree as it is now. */
  readonly keeps: () => (metaLine: string) => boolean;
  /** What is shown of the events now; null while nothing may be sent. */
  readonly shown: () => { readonly privacy: Redactor | null } | null;
  /** Whether its owner, not the destination, switched it off. */
  readonly isSwitchedOff: () => boolean;
}

/** Why nothing is sent, apart from a pause. unknown: Redis was not read yet. */
export type HeldBack = 'off' | 'switched_off' | 'no_secret' | 'refused' | 'unknown';

/** Milliseconds between two reads of other replicas' decisions. */
const REFRESH_MS = 1_000;
const ADMIT_AGAIN_MS = 1_000;

/**
 * The sender of one group on this replica: it joins the group, sends its events through a channel, and tells the group
 * what came of them.
 */
export class Sender implements Disposable {
  readonly name: string;
  readonly account: string;
  /** Of the destination, without credentials. */
  readonly host: string;
  readonly counters: SenderCounters = createSenderCounters();
  readonly attempts = new Attempts();
  readonly replays: Replays;
  readonly #parts: SenderParts;
  readonly #shared: SharedState;
  readonly #endpoint: Endpoint;
  #member: SenderMember | null = null;
  #timer: NodeJS.Timeout | null = null;
  #wasHeldBack: HeldBack | null = 'unknown';

  constructor(parts: SenderParts) {
    const { group, channel } = parts;
    this.name = group.name;
    this.account = group.account;
    this.host = channel.host;
    this.#parts = parts;
    this.#shared = new SharedState({ ...parts, group: group.name });
    this.#endpoint = new Endpoint(channel.concurrency);
    this.replays = new Replays({
      ...parts,
      lanes: Math.max(1, Math.floor(channel.concurrency / 4)),
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
    if (!this.#parts.channel.isReady) return 'no_secret';
    return this.#parts.shown() === null ? 'refused' : null;
  }

  /** Sends until aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#parts.channel.follow(signal, () => this.#look()),
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

  shown(): ShownSender {
    return show(this);
  }

  /** Sends a test event in any state, and returns the outcome. The state does not change. Never rejects. */
  async test(): Promise<{ readonly id: string; readonly outcome: string; readonly ms: number }> {
    const begunAt = performance.now();
    const id = `test_${randomUUID()}`;
    const { channel } = this.#parts;
    if (!channel.isReady) return { id, outcome: 'not sent: no secret can be used', ms: 0 };
    const outcome = await channel.test(id, Date.now());
    return { id, outcome, ms: Math.round(performance.now() - begunAt) };
  }

  /** The directory, the scope or the privacy profiles have changed. */
  look(): void {
    this.#look();
  }

  [Symbol.dispose](): void {
    this.#parts.channel[Symbol.dispose]();
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
    const { group, groups, grant, logger, title } = this.#parts;
    let lastCode = '';
    while (!signal.aborted) {
      const admission = await groups.admit(group.name, grant, { regroup: true, isSender: true });
      if (signal.aborted) return;
      if (admission.ok) await this.#beMember(grant, signal);
      else if (admission.problem.code !== lastCode) {
        const { code, detail } = admission.problem;
        logger.warn({ code }, `${title} cannot join its group, and tries again: ${detail}`);
      }
      lastCode = admission.ok ? '' : admission.problem.code;
      await delay(ADMIT_AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Settles when the membership has ended, or when aborted. */
  async #beMember(grant: Grant, signal: AbortSignal): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const { title, logger, channel } = this.#parts;
    signal.addEventListener('abort', () => resolve(), { once: true });
    this.#member = this.#parts.groups.attach(
      this.name,
      grant,
      (number, group) =>
        new SenderMember(number, group, {
          room: () => (this.heldBack === null ? this.#endpoint.roomAt(performance.now()) : 0),
          batch: channel.batch,
          send: (events, cut) => this.#send(events, cut),
          onGap: (reason, { missed, ids }) => {
            this.#shared.loses(missed ?? Math.max(1, ids.length));
            logger.warn({ reason, missed }, `events of ${title} are lost: the log no longer has them`);
          },
          onSourceGap: () => (this.counters.sourceGaps += 1),
          onLost: (reason) => {
            logger.warn({ reason }, `${title} joins its group again`);
            resolve();
          },
        }),
    );
    await ended;
  }

  async #send(events: readonly SentEvent[], cut: CutSignal, isReplay = false): Promise<Ended | null> {
    const begunAt = performance.now();
    this.#endpoint.begin();
    const order = this.#order(events, isReplay);
    const ended = await this.#parts.channel.send(order, cut);
    const now = performance.now();
    if (cut.aborted) {
      this.#endpoint.cut(now);
      this.#wakeLater();
      return null;
    }
    this.#learn(ended, { id: order.id, begunAt, now });
    this.#note(order, ended, now - begunAt);
    return ended;
  }

  #order(events: readonly SentEvent[], isReplay: boolean): Order {
    const seen = this.#parts.shown();
    const [event] = events;
    if (seen === null || event === undefined)
      throw new Error('unreachable: nothing is taken while nothing may be sent');
    const id = events.length > 1 ? batchId(events.map(({ eventId }) => eventId)) : event.eventId;
    const othersSucceed = () => this.#endpoint.othersSucceed(id, performance.now());
    return { id, events, privacy: seen.privacy, isReplay, at: Date.now(), othersSucceed };
  }

  /** What the verdict says of the endpoint. */
  #learn({ verdict, status, code }: Ended, of: { id: string; begunAt: number; now: number }): void {
    const { now, begunAt, id } = of;
    if (verdict.kind === 'endpoint') {
      const cause = code ?? (status === null ? 'UNKNOWN' : `HTTP_${status}`);
      const wasFailing = this.#endpoint.failures > 0;
      this.#endpoint.fails(now, { begunAt, retryAfterMs: verdict.retryAfterMs });
      if (!wasFailing) this.#parts.logger.warn({ cause }, `${this.#parts.title} pauses: its endpoint takes nothing`);
      void this.#fails(cause);
    } else if (verdict.kind === 'acknowledged') {
      this.#endpoint.succeeds(now);
      void this.#shared.succeeds(Date.now());
    } else if (verdict.kind === 'event') this.#endpoint.refuses(id);
    else this.#endpoint.works();
    if (verdict.kind === 'disable') void this.#disable(verdict.reason);
    this.#wakeLater();
  }

  async #fails(cause: string): Promise<void> {
    const now = Date.now();
    await this.#shared.fails(now, cause);
    const { current } = this.#shared;
    const limit = this.#parts.disableAfterMs ?? Number.POSITIVE_INFINITY;
    if (current?.disabled === null && failingMs(current, now) >= limit) await this.#disable('failing');
  }

  async #disable(reason: DisabledReason): Promise<void> {
    if (this.#shared.current?.disabled !== null) return;
    await this.#shared.disable(reason, Date.now());
    this.#look();
  }

  #note({ id, events, at, isReplay }: Order, { verdict, status, code, answer }: Ended, ms: number): void {
    this.attempts.add({
      at,
      eventId: id,
      events: events.length,
      attempt: events[0]?.attempts ?? 1,
      status,
      code,
      ms: Math.round(ms),
      answer,
      verdict: verdict.kind,
      replay: isReplay,
    });
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
    const { logger, title } = this.#parts;
    const reason = this.#shared.current?.disabled?.reason ?? null;
    if (heldBack === 'off') logger.error({ reason }, `${title} is switched off: nothing is sent until it is enabled`);
    else if (heldBack !== null) logger.warn({ heldBack }, `${title} sends nothing now`);
    else logger.info(`${title} sends the events of its group`);
    if (heldBack === null) this.#member?.flows();
  }
}
