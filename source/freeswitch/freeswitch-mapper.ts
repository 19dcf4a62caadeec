import { accountName, bodyText, firstText, headerFields, text, wholeNumber } from '../legs/event-body.ts';
import { eventIdOf } from '../legs/event-id.ts';
import { createHiddenFields, type HiddenFields } from '../legs/hidden-fields.ts';
import { GRACE_MS, LegRegistry, type Claim, type Draft, type Leg } from '../legs/leg-registry.ts';
import type { DropReason, ListedLeg, Mapped, MappedEvent, Mapper, Outage, SwitchEvent, Synthetic } from '../mapper.ts';
import type { MappingOptions } from '../mapping-options.ts';
import { applicationFields, channelFields, variableFields, type LegFacts } from './freeswitch-fields.ts';
import { catalogueName, type ParkSource } from './freeswitch-names.ts';
import { createLives } from './lives.ts';

export interface FreeswitchMapperOptions extends MappingOptions {
  readonly park: ParkSource;
  /** Version of the switch. Without it, the version in its heartbeat. */
  readonly version?: string;
}

interface FreeswitchLeg extends LegFacts {
  /** The switch of the leg: several may write to one exchange. */
  readonly switchName: string;
  readonly switchId: string;
  /** The life of the switch in which the leg began; empty when a listing lacks it. */
  readonly core: string;
  answered: boolean;
  held: boolean;
  parked: boolean;
  /** The leg's last event: the source of data for a synthetic DESTROY. */
  last: SwitchEvent;
}

const MAX_CALL_ID = 512;
const NO_LEGS: ReadonlySet<string> = new Set();

interface HoldingMapper extends Mapper {
  /** Position of the oldest event that waits for its account; null when none waits. */
  heldFrom(): string | null;
}

/** Maps events of FreeSWITCH from the event socket or mod_amqp: the bodies are the same. */
export function createFreeswitchMapper(options: FreeswitchMapperOptions): HoldingMapper {
  return new FreeswitchMapper(options);
}

class FreeswitchMapper implements HoldingMapper {
  readonly #options: FreeswitchMapperOptions;
  readonly #registry: LegRegistry<FreeswitchLeg>;
  readonly #isHidden: HiddenFields;
  readonly #lives = createLives();
  #version: string;
  #received = 0;

  constructor(options: FreeswitchMapperOptions) {
    this.#options = options;
    this.#registry = new LegRegistry({ ...options, graceMs: GRACE_MS });
    this.#isHidden = createHiddenFields({ ...options.privacy, also: ['Transfer-History'] });
    this.#version = options.version ?? '';
  }

  feed(event: SwitchEvent, now: number): Mapped {
    this.#received += 1;
    const micros = microsOf(event);
    const due = micros === undefined ? [] : this.#registry.tick(text(event['Core-UUID']), micros / 1_000);
    const events = [...due, ...this.#registry.advance(now), ...this.#noteLife(event, now)];
    const callId = firstText(event['Unique-ID'], event['Caller-Unique-ID']);
    const leg = this.#registry.get(callId);
    const mapped = this.#judge(event, callId, now, leg?.state.parked ?? false);
    // An event that is not forwarded may still carry the account.
    if (mapped.dropped !== null && leg !== undefined) {
      events.push(...this.#registry.latch(leg, leg.account || this.#claimOf(event).named));
    }
    return events.length === 0 ? mapped : { ...mapped, events: [...events, ...mapped.events] };
  }

  adopt(listing: readonly ListedLeg[], outage: Outage): readonly MappedEvent[] {
    const { from, to, restarted, begun = NO_LEGS, ended = NO_LEGS } = outage;
    const listed = new Map(listing.map((leg) => [leg.id, leg.event]));
    const events = [...this.#registry.advance(Infinity)];
    for (const leg of this.#registry.legs()) {
      if (!restarted && (listed.has(leg.callId) || ended.has(leg.callId))) continue;
      events.push(...this.#endSynthetically(leg, restarted ? 'switch_restarted' : 'missed', to * 1_000, to));
    }
    for (const [callId, event] of listed) {
      if (callId === '' || callId.length > MAX_CALL_ID || begun.has(callId)) continue;
      if (this.#registry.hasEnded(callId)) continue;
      events.push(...this.#adoptLeg(callId, event, { micros: to * 1_000, lostAt: from, now: to }));
    }
    return events;
  }

  advance(now: number): readonly MappedEvent[] {
    return this.#registry.advance(now);
  }

  waitingSince(): number | null {
    return this.#registry.waitingSince();
  }

  heldFrom(): string | null {
    return this.#registry.heldFrom();
  }

  liveLegs(): readonly string[] {
    return [...this.#registry.legs()].map(({ callId }) => callId);
  }

  /** The first event of a switch's new life ends the legs of its earlier lives. */
  #noteLife(event: SwitchEvent, now: number): MappedEvent[] {
    if (event['Event-Name'] === 'HEARTBEAT' && this.#options.version === undefined) {
      this.#version = text(event['FreeSWITCH-Version']) || this.#version;
    }
    const name = switchNameOf(event);
    const core = text(event['Core-UUID']);
    if (!this.#lives.hasRestarted(name, core)) return [];
    const micros = microsOf(event) ?? Math.floor(now * 1_000);
    const gone = [...this.#registry.legs()].filter(
      ({ state }) => state.switchName === name && state.core !== '' && state.core !== core,
    );
    return gone.flatMap((leg) => this.#endSynthetically(leg, 'switch_restarted', micros, now));
  }

  #judge(event: SwitchEvent, callId: string, now: number, parked: boolean): Mapped {
    const what = whatOf(event);
    if (typeof event['Event-Name'] !== 'string') return nothing('malformed', what);
    const name = catalogueName(event, this.#options.park, parked);
    if (name === null) return nothing('not_mapped', what);
    if (callId === '' || callId.length > MAX_CALL_ID) return nothing('malformed', what);
    return this.#forward(name, callId, event, now);
  }

  #forward(name: string, callId: string, event: SwitchEvent, now: number): Mapped {
    const micros = microsOf(event) ?? Math.floor(now * 1_000);
    const known = this.#registry.get(callId);
    const refused = this.#refuse(name, callId, event, known !== undefined);
    if (refused !== null) return nothing(refused, name);
    const eventId = idOf(name, callId, event, this.#received);
    if (known !== undefined && this.#registry.hasHad(known, eventId)) return nothing('no_change', name);
    const events: MappedEvent[] = [];
    const leg = known ?? this.#firstSeen(name, callId, event, { micros, lostAt: micros / 1_000, now }, events);
    this.#link(leg, name, event);
    noteState(leg.state, name);
    leg.state.last = event;
    const draft = this.#draft(leg, name, event, { micros, eventId, synthetic: null });
    const claim = this.#claimOf(event);
    const given =
      name === 'CHANNEL_DESTROY'
        ? this.#registry.end(leg, draft, claim, now)
        : this.#registry.emit(leg, draft, claim, now);
    return { events: [...events, ...given], dropped: null };
  }

  #refuse(name: string, callId: string, event: SwitchEvent, isKnown: boolean): DropReason | null {
    if (isKnown) return name === 'CHANNEL_CREATE' ? 'no_change' : null;
    if (this.#registry.hasEnded(callId)) return 'after_destroy';
    // Kazoo's mapping drops it as well: it ends a leg that never began.
    const isStray = name === 'CHANNEL_DESTROY' && event['variable_hangup_cause'] === 'WRONG_CALL_STATE';
    return isStray ? 'no_change' : null;
  }

  #firstSeen(name: string, callId: string, event: SwitchEvent, when: When, events: MappedEvent[]) {
    if (name === 'CHANNEL_CREATE') {
      const leg = this.#begin(callId, text(event['Channel-Call-UUID']), event);
      events.push(...this.#endSurplus(when));
      return leg;
    }
    const { leg, events: missed } = this.#beginMissed(callId, event, when);
    events.push(...missed);
    const answeredAt = wholeNumber(event['Caller-Channel-Answered-Time']) ?? 0;
    const isUp = answeredAt > 0 || event['Answer-State'] === 'answered';
    if (isUp && name !== 'CHANNEL_ANSWER') {
      events.push(...this.#correct(leg, 'CHANNEL_ANSWER', event, { ...when, micros: answeredAt || when.micros }));
    }
    return leg;
  }

  #begin(callId: string, rootId: string, event: SwitchEvent): Leg<FreeswitchLeg> {
    const switchName = switchNameOf(event);
    return this.#registry.begin(callId, rootId, {
      switchName,
      switchId: this.#options.switchId(switchName),
      core: text(event['Core-UUID']),
      interactionId: text(event['Channel-Call-UUID']),
      createdAt: wholeNumber(event['Caller-Channel-Created-Time']),
      otherId: '',
      answered: false,
      held: false,
      parked: false,
      last: event,
    });
  }

  /**
   * Adds a leg whose CREATE was not received. It begins at its real age. Its root does not count for its account (S8).
   */
  #beginMissed(callId: string, event: SwitchEvent, when: When) {
    const leg = this.#begin(callId, '', event);
    const micros = leg.state.createdAt ?? when.micros;
    const eventId = eventIdOf('fs', callId, 'CREATE');
    const draft = this.#draft(leg, 'CHANNEL_CREATE', event, { micros, eventId, synthetic: 'missed' });
    const events = this.#registry.emit(leg, draft, this.#claimOf(event), when.now);
    events.push(...this.#endSurplus(when));
    return { leg, events };
  }

  #endSurplus({ micros, now }: When): MappedEvent[] {
    const surplus = this.#registry.surplus();
    return surplus === undefined ? [] : this.#endSynthetically(surplus, 'missed', micros, now);
  }

  #adoptLeg(callId: string, event: SwitchEvent, when: When): MappedEvent[] {
    const events: MappedEvent[] = [];
    let leg = this.#registry.get(callId);
    if (leg === undefined) {
      const begun = this.#beginMissed(callId, event, when);
      leg = begun.leg;
      events.push(...begun.events);
    }
    const state = event['Channel-Call-State'];
    const isHeld = state === 'HELD';
    const isUp = isHeld || state === 'ACTIVE' || event['Answer-State'] === 'answered';
    if (isUp && !leg.state.answered) events.push(...this.#correct(leg, 'CHANNEL_ANSWER', event, when));
    if (isHeld !== leg.state.held) {
      events.push(...this.#correct(leg, isHeld ? 'CHANNEL_HOLD' : 'CHANNEL_UNHOLD', event, when));
    }
    leg.state.last = { ...leg.state.last, ...event };
    return events;
  }

  /** A synthetic event of a known leg. */
  #correct(leg: Leg<FreeswitchLeg>, name: string, event: SwitchEvent, { micros, lostAt, now }: When): MappedEvent[] {
    const eventId = eventIdOf('fs', leg.callId, name, 'syn', Math.floor(lostAt / 1_000));
    noteState(leg.state, name);
    const draft = this.#draft(leg, name, event, { micros, eventId, synthetic: 'missed' });
    return this.#registry.emit(leg, draft, this.#claimOf(event), now);
  }

  #endSynthetically(leg: Leg<FreeswitchLeg>, synthetic: Synthetic, micros: number, now: number): MappedEvent[] {
    const { callId, state } = leg;
    const eventId = eventIdOf('fs', callId, 'DESTROY');
    const draft = this.#draft(leg, 'CHANNEL_DESTROY', state.last, { micros, eventId, synthetic });
    return this.#registry.end(leg, draft, this.#claimOf(state.last), now);
  }

  /**
   * Each leg learns the other one, also from the other's events: a caller whose call is rejected never names the
   * callee.
   */
  #link(leg: Leg<FreeswitchLeg>, name: string, event: SwitchEvent): void {
    const isBridge = name === 'CHANNEL_BRIDGE';
    const other = firstText(isBridge ? event['Bridge-B-Unique-ID'] : undefined, event['Other-Leg-Unique-ID']);
    if (other === '' || other === leg.callId) return;
    leg.state.otherId = other;
    const peer = this.#registry.get(other);
    if (peer !== undefined && (peer.state.otherId === '' || isBridge)) peer.state.otherId = leg.callId;
  }

  #claimOf(event: SwitchEvent): Claim {
    const { accounts, accountVariable } = this.#options;
    const hints = {
      accountCode: text(event['variable_accountcode']),
      context: text(event['Caller-Context']),
      did: event['Call-Direction'] === 'inbound' ? text(event['Caller-Destination-Number']) : '',
    };
    return {
      named: accountName(event[`variable_${accountVariable}`]),
      byRule: () =>
        accounts.accountOf({ ...hints, domain: text(event['variable_domain_name']) }) ||
        accounts.accountOf({ ...hints, domain: text(event['variable_sip_req_host']) }),
    };
  }

  #draft(leg: Leg<FreeswitchLeg>, name: string, event: SwitchEvent, from: DraftFrom): Draft {
    const { callId } = leg;
    const { micros, eventId, synthetic } = from;
    const { accounts, chosen } = this.#options;
    const isHidden = this.#isHidden;
    const appVersion = this.#version === '' ? 'unknown' : this.#version;
    // Captures the present values: an event that waits must not show later ones.
    const facts = { ...leg.state };
    return {
      name,
      eventId,
      position: `${text(event['Core-UUID'])}:${this.#received}`,
      at: Math.floor(micros / 1_000),
      synthetic,
      render(account) {
        const { switchId } = facts;
        const node = `freeswitch@${facts.switchName}`;
        const realm = text(event['variable_domain_name']) || accounts.realmOf(account);
        const fields = {
          ...headerFields({ name, callId, micros, appName: 'freeswitch', appVersion, node, switchId }),
          ...channelFields(name, event, facts),
          ...(synthetic !== null && syntheticFields(name, synthetic)),
          'Custom-Channel-Vars': { 'Account-ID': account, ...variableFields(event, facts, realm) },
          'Custom-Application-Vars': applicationFields(event, chosen),
        };
        return bodyText(fields, isHidden, synthetic);
      },
    };
  }
}

interface DraftFrom {
  /** Unix microseconds of the event. */
  readonly micros: number;
  readonly eventId: string;
  readonly synthetic: Synthetic | null;
}

interface When {
  /** Unix microseconds of the event. */
  readonly micros: number;
  /** Unix milliseconds: last receipt from the switch. */
  readonly lostAt: number;
  /** Arrival, Unix milliseconds. */
  readonly now: number;
}

function nothing(reason: DropReason, what: string): Mapped {
  return { events: [], dropped: { reason, what } };
}

/** Bounded: names come from the switch, and are cut. */
function whatOf(event: SwitchEvent): string {
  const name = text(event['Event-Name']) || 'no Event-Name';
  const subclass = text(event['Event-Subclass']);
  return (subclass === '' ? name : `${name} ${subclass}`).slice(0, 64);
}

function noteState(state: FreeswitchLeg, name: string): void {
  if (name === 'CHANNEL_ANSWER') state.answered = true;
  else if (name === 'CHANNEL_HOLD') state.held = true;
  else if (name === 'CHANNEL_UNHOLD') state.held = false;
  else if (name === 'PARK_PARKED') state.parked = true;
  else if (name === 'PARK_RETRIEVED' || name === 'PARK_ABANDONED') state.parked = false;
}

/** CREATE and DESTROY have fixed ids, so the log accepts either the synthetic end or the real one. */
function idOf(name: string, callId: string, event: SwitchEvent, received: number): string {
  if (name === 'CHANNEL_CREATE') return eventIdOf('fs', callId, 'CREATE');
  if (name === 'CHANNEL_DESTROY') return eventIdOf('fs', callId, 'DESTROY');
  const sequence = text(event['Event-Sequence']);
  const core = text(event['Core-UUID']);
  if (core !== '' && sequence !== '') return eventIdOf('fs', core, sequence, name);
  // Every switch sends these. A hand-made event without them still gets a unique id.
  return eventIdOf('fs', callId, text(event['Event-Date-Timestamp']) || `n${received}`, name);
}

/** A synthetic event contains no state: none was observed. */
function syntheticFields(name: string, synthetic: Synthetic) {
  const unknown = { 'Channel-State': undefined, 'Channel-Call-State': undefined, 'Channel-Answer-State': undefined };
  if (name === 'CHANNEL_CREATE') return unknown;
  if (name !== 'CHANNEL_DESTROY') return {};
  return {
    'Channel-State': undefined,
    'Channel-Call-State': 'HANGUP',
    'Channel-Answer-State': 'hangup',
    'Hangup-Cause': synthetic === 'switch_restarted' ? 'CRASH' : 'NONE',
    'Hangup-Code': undefined,
    'Billing-Seconds': undefined,
    'Duration-Seconds': undefined,
    'Ringing-Seconds': undefined,
    'Bridge-Hangup-Cause': undefined,
    Disposition: undefined,
  };
}

function microsOf(event: SwitchEvent): number | undefined {
  return wholeNumber(event['Event-Date-Timestamp']);
}

function switchNameOf(event: SwitchEvent): string {
  return firstText(event['FreeSWITCH-Switchname'], event['FreeSWITCH-Hostname']);
}
