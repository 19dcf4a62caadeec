import { MAX_EVENT_BYTES } from '../../protocol/event-object.ts';
import { numberOf } from '../../event-log/intake/event-keys.ts';
import type { JsonScan } from '../../event-log/intake/json-scan.ts';
import { scanEvent, type ScannedEvent } from '../../event-log/intake/read-event.ts';
import { wholeNumber } from '../legs/event-body.ts';
import { eventIdOf } from '../legs/event-id.ts';
import { createHiddenFields, createNameMatcher } from '../legs/hidden-fields.ts';
import { LegRegistry, type Claim, type Draft, type Leg } from '../legs/leg-registry.ts';
import { messageOf, type BusMapper, type BusMessage } from '../amqp/bus-mapper.ts';
import type { DropReason, Mapped, MappedEvent, SwitchEvent } from '../mapper.ts';
import type { MappingOptions } from '../mapping-options.ts';
import { createFieldHider } from './hide-fields.ts';

/** Published by callflow, which detects the end of a call itself: they come after the DESTROY. */
const FROM_APPLICATIONS = /^PARK_/;
const GREGORIAN_OFFSET = 62_167_219_200;
const CATEGORY = numberOf('Event-Category');
const MESSAGE_ID = numberOf('Msg-ID');
const TIMESTAMP = numberOf('Timestamp');

/**
 * Maps events of Kazoo's bus. Their bytes stay as they are, without the hidden fields. A leg without an observed start
 * gets no synthetic CREATE: a consumer that takes over knows no legs, and the log has their CREATEs already.
 */
export function createKazooMapper(options: MappingOptions): BusMapper {
  return new KazooMapper(options);
}

class KazooMapper implements BusMapper {
  readonly #registry: LegRegistry<null>;
  readonly #hideFields: (scan: JsonScan) => string;
  readonly #endsLost: boolean;
  #received = 0;

  constructor(options: MappingOptions) {
    this.#registry = new LegRegistry(options);
    this.#hideFields = createFieldHider(createHiddenFields(options.privacy), createNameMatcher(options.privacy.keep));
    this.#endsLost = options.lostCalls === 'Destroy';
  }

  feed({ routingKey, body }: BusMessage, now: number): Mapped {
    this.#received += 1;
    const due = this.#registry.advance(now);
    const mapped = this.#judge(routingKey, body, now);
    return due.length === 0 ? mapped : { ...mapped, events: [...due, ...mapped.events] };
  }

  /** Does nothing: Kazoo has no listing, and reports the loss of a switch itself (CHANNEL_DISCONNECTED). */
  adopt(): readonly MappedEvent[] {
    return [];
  }

  advance(now: number): readonly MappedEvent[] {
    return this.#registry.advance(now);
  }

  waitingSince(): number | null {
    return this.#registry.waitingSince();
  }

  heldFrom(): number | null {
    const position = this.#registry.heldFrom();
    return position === null ? null : messageOf(position);
  }

  liveLegs(): readonly string[] {
    return [...this.#registry.legs()].map(({ callId }) => callId);
  }

  #judge(routingKey: string | undefined, body: Buffer, now: number): Mapped {
    if (body.length > MAX_EVENT_BYTES) return nothing('rejected', 'too_large');
    const event = scanEvent(body);
    if (event.kind === 'dropped') return nothing('never_forwarded', event.name);
    if (event.kind === 'rejected') return nothing('rejected', event.code);
    const { name, scan } = event;
    if (routingKey !== undefined && !isKeyOf(name, routingKey)) return nothing('key_mismatch', name);
    if (scan.value(scan.first(CATEGORY)) === 'error') return nothing('error_category', name);
    return this.#forward(event, timeOf(scan, now), now);
  }

  #forward(event: ScannedEvent, at: number, now: number): Mapped {
    const { name, callId, account } = event;
    const claim: Claim = { named: account, byRule: () => '' };
    const draft = this.#draft(event, at);
    const known = this.#registry.get(callId);
    if (known === undefined && this.#registry.hasEnded(callId)) {
      // Events that applications send of an ended call are forwarded; everything else is another publisher's copy.
      if (!FROM_APPLICATIONS.test(name)) return nothing('after_destroy', name);
      return { events: [asMapped(draft, callId, account)], dropped: null };
    }
    // Several ecallmgr publish the same CREATE.
    if (known !== undefined && name === 'CHANNEL_CREATE') return nothing('no_change', name);
    if (known !== undefined && this.#registry.hasHad(known, event.eventId)) return nothing('no_change', name);
    const leg = known ?? this.#registry.begin(callId, '', null);
    const events = known === undefined ? this.#forgetSurplus() : [];
    if (name === 'CHANNEL_DESTROY') {
      events.push(...this.#registry.end(leg, draft, claim, now));
    } else {
      events.push(...this.#registry.emit(leg, draft, claim, now));
      if (name === 'CHANNEL_DISCONNECTED' && this.#endsLost) {
        events.push(...this.#endLost(leg, draft, claim, now));
      }
    }
    return { events, dropped: null };
  }

  /** Consumers that wait only for DESTROY must get that of a lost call, too. */
  #endLost(leg: Leg<null>, last: Draft, claim: Claim, now: number): MappedEvent[] {
    const { at } = last;
    const body = {
      ...(JSON.parse(last.render('')) as SwitchEvent),
      'Event-Name': 'CHANNEL_DESTROY',
      'Channel-Call-State': 'HANGUP',
      'Channel-Answer-State': 'hangup',
      'Hangup-Cause': 'NONE',
      'Firehose-Synthetic': 'missed',
    };
    const draft: Draft = {
      name: 'CHANNEL_DESTROY',
      eventId: eventIdOf('kz', leg.callId, 'CHANNEL_DESTROY', 'syn', Math.floor(at / 1_000)),
      position: String(this.#received),
      at,
      synthetic: 'missed',
      render: () => JSON.stringify(body),
    };
    return this.#registry.end(leg, draft, claim, now);
  }

  /** Kazoo does not list its legs: one without an end must not remain forever. */
  #forgetSurplus(): MappedEvent[] {
    const surplus = this.#registry.surplus();
    return surplus === undefined ? [] : this.#registry.forget(surplus);
  }

  #draft({ name, eventId, scan }: ScannedEvent, at: number): Draft {
    const json = this.#hideFields(scan);
    return {
      name,
      eventId,
      position: String(this.#received),
      at,
      synthetic: null,
      render: () => json,
    };
  }
}

function nothing(reason: DropReason, what: string): Mapped {
  return { events: [], dropped: { reason, what: what.slice(0, 64) } };
}

/** Whether the name is the second part of the routing key. */
function isKeyOf(name: string, routingKey: string): boolean {
  const from = routingKey.indexOf('.') + 1;
  const to = from + name.length;
  return from > 0 && routingKey.startsWith(name, from) && (to === routingKey.length || routingKey[to] === '.');
}

function asMapped(draft: Draft, callId: string, account: string): MappedEvent {
  const { name, eventId, position, at, synthetic } = draft;
  return { name, account, callId, eventId, position, at, json: draft.render(account), synthetic };
}

const MICROSECONDS = /^\d{16}$/;

/** Unix milliseconds: Msg-ID when it is the switch's time, else Timestamp, else the arrival (PARK_* have neither). */
function timeOf(scan: JsonScan, now: number): number {
  const messageId = scan.value(scan.first(MESSAGE_ID));
  if (typeof messageId === 'string' && MICROSECONDS.test(messageId)) return Math.floor(Number(messageId) / 1_000);
  const seconds = wholeNumber(scan.value(scan.first(TIMESTAMP)));
  return seconds === undefined || seconds < GREGORIAN_OFFSET ? Math.floor(now) : (seconds - GREGORIAN_OFFSET) * 1_000;
}
