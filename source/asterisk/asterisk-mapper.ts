import type { DropReason, ListedLeg, Mapped, MappedEvent, Mapper, Outage, SwitchEvent } from '../mapper.ts';
import { AsteriskLegs, type AsteriskLeg, type AsteriskLegsOptions, type Moment } from './asterisk-legs.ts';
import { readListed } from './asterisk-listing.ts';
import { createBridges, type Bridges, type PairChange } from './bridges.ts';
import { createLife } from './life.ts';
import { text } from '../legs/event-body.ts';
import { readAmiEvent } from './read-ami.ts';
import { readAriEvent } from './read-ari.ts';
import type { Channel, Step, StepAction } from './step.ts';

export interface AsteriskMapperOptions extends AsteriskLegsOptions {
  readonly interface: 'AMI' | 'ARI';
}

/** The outcome of one event: events, or the reason why there is none. */
type Outcome = MappedEvent[] | DropReason;

const MAX_ID = 400;
const NO_LEGS: ReadonlySet<string> = new Set();
/** BridgeType and bridge_class of bridges that hold the two parties of a call. */
const CALL_BRIDGE = 'basic';
/** Uptime has a resolution of seconds. */
const BOOT_SLACK_MICROS = 2_000_000;
/** Kazoo's unit of DTMF-Duration: samples of 8 kHz. */
const SAMPLES_PER_MS = 8;

/** Events of one Asterisk: of AMI (12 and later) or of ARI. */
export function createAsteriskMapper(options: AsteriskMapperOptions): Mapper {
  return new AsteriskMapper(options);
}

class AsteriskMapper implements Mapper {
  readonly #interface: AsteriskMapperOptions['interface'];
  readonly #read: (event: SwitchEvent) => Step;
  readonly #legs: AsteriskLegs;
  readonly #bridges: Bridges;
  readonly #life = createLife();
  #received = 0;

  constructor(options: AsteriskMapperOptions) {
    this.#interface = options.interface;
    this.#read = options.interface === 'AMI' ? readAmiEvent : readAriEvent;
    this.#legs = new AsteriskLegs(options);
    this.#bridges = createBridges((id) => this.#legs.get(id)?.state.direction === 'inbound');
  }

  feed(event: SwitchEvent, now: number): Mapped {
    this.#received += 1;
    const step = this.#read(event);
    const moment = this.#momentOf(step, now);
    const { registry } = this.#legs;
    const due = step.micros === undefined ? [] : registry.tick('', step.micros / 1_000);
    const events = [...due, ...registry.advance(now)];
    const outcome = this.#act(step.action, moment);
    if (typeof outcome === 'string') {
      return { events, dropped: { reason: outcome, what: (step.what || 'no name').slice(0, 64) } };
    }
    // No events, although none waits: the leg has had this event already.
    if (outcome.length === 0 && registry.waitingSince() === null) {
      return { events, dropped: { reason: 'no_change', what: step.what.slice(0, 64) } };
    }
    events.push(...outcome);
    return { events, dropped: null };
  }

  adopt(listing: readonly ListedLeg[], outage: Outage): readonly MappedEvent[] {
    const { from, to, restarted, begun = NO_LEGS, ended = NO_LEGS } = outage;
    const at = to * 1_000;
    const moment: Moment = { micros: at, stamp: String(at), position: `${at}:${this.#received}`, now: to };
    const missed = missedAt(moment, from);
    const events = [...this.#legs.registry.advance(Infinity)];
    if (restarted) {
      events.push(...this.#endLife(Infinity, moment));
      this.#life.forget();
    }
    const members = new Map<string, string[]>();
    const listed = new Set<string>();
    for (const { event } of listing) {
      const seen = readListed(this.#interface, event);
      if (seen === null || seen.channel.id.length > MAX_ID || this.#legs.hasEnded(seen.channel.id)) continue;
      const { channel, bridge } = seen;
      const callId = this.#legs.callIdOf(channel.id);
      if (begun.has(callId)) continue;
      listed.add(callId);
      this.#life.hasRestarted(channel.id);
      if (bridge?.kind === CALL_BRIDGE) members.set(bridge.id, [...(members.get(bridge.id) ?? []), channel.id]);
      events.push(...this.#adoptChannel(channel, missed, from));
    }
    events.push(...this.#tellPairs(this.#bridges.replace(members), missed));
    for (const leg of this.#legs.registry.legs()) {
      if (listed.has(leg.callId) || ended.has(leg.callId)) continue;
      this.#bridges.forget(leg.state.channel.id);
      events.push(...this.#legs.endSynthetically(leg, 'missed', moment));
    }
    return events;
  }

  advance(now: number): readonly MappedEvent[] {
    return this.#legs.registry.advance(now);
  }

  waitingSince(): number | null {
    return this.#legs.registry.waitingSince();
  }

  liveLegs(): readonly string[] {
    return [...this.#legs.registry.legs()].map(({ callId }) => callId);
  }

  /**
   * Returns the leg of a channel. Begins it now when its CREATE was not received. Returns a reason when the leg has
   * ended.
   */
  #legOf(channel: Channel, moment: Moment, events: MappedEvent[]): AsteriskLeg | DropReason {
    const known = this.#legs.get(channel.id);
    if (known !== undefined) {
      events.push(...this.#legs.note(known, channel));
      return known;
    }
    if (channel.id.length > MAX_ID) return 'malformed';
    if (this.#legs.hasEnded(channel.id)) return 'after_destroy';
    const missed = this.#legs.beginMissed(channel, moment, moment.micros / 1_000);
    events.push(...missed.events, ...this.#endSurplus(moment));
    return missed.leg;
  }

  /** A leg that is first seen in the middle of its life: if it is up, it was answered before. */
  #runningLegOf(channel: Channel, moment: Moment, events: MappedEvent[]): AsteriskLeg | DropReason {
    const leg = this.#legOf(channel, moment, events);
    if (typeof leg === 'string' || channel.state !== 'Up' || leg.state.up) return leg;
    leg.state.up = true;
    events.push(...this.#legs.say(leg, 'CHANNEL_ANSWER', missedAt(moment, moment.micros / 1_000)));
    return leg;
  }

  #endSurplus(moment: Moment): MappedEvent[] {
    const leg = this.#legs.registry.surplus();
    return leg === undefined ? [] : this.#legs.endSynthetically(leg, 'missed', moment);
  }

  #begin(channel: Channel, moment: Moment): Outcome {
    if (this.#legs.get(channel.id) !== undefined) return 'no_change';
    if (this.#legs.hasEnded(channel.id)) return 'after_destroy';
    if (channel.id.length > MAX_ID) return 'malformed';
    const events = this.#noteLife(channel, moment);
    const { leg, events: begun } = this.#legs.begin(channel, moment);
    events.push(...begun);
    if (channel.state === 'Up') events.push(...this.#answer(leg, moment));
    events.push(...this.#endSurplus(moment));
    return events;
  }

  #answer(leg: AsteriskLeg, moment: Moment): MappedEvent[] {
    leg.state.up = true;
    leg.state.answeredAt = moment.micros;
    return this.#legs.say(leg, 'CHANNEL_ANSWER', moment);
  }

  #changeState(channel: Channel, moment: Moment): Outcome {
    const events: MappedEvent[] = [];
    const leg = this.#legOf(channel, moment, events);
    if (typeof leg === 'string') return leg;
    if (channel.state === 'Up' && !leg.state.up) return [...events, ...this.#answer(leg, moment)];
    if (channel.state !== 'Ringing' || leg.state.rang) return unlessNone(events, 'no_change');
    leg.state.rang = true;
    return [...events, ...this.#legs.say(leg, 'CHANNEL_PROGRESS', moment)];
  }

  #hold(channel: Channel, held: boolean, moment: Moment): Outcome {
    const events: MappedEvent[] = [];
    const leg = this.#runningLegOf(channel, moment, events);
    if (typeof leg === 'string') return leg;
    // Every REFER produces an Unhold without a Hold.
    if (leg.state.held === held) return unlessNone(events, 'no_change');
    leg.state.held = held;
    return [...events, ...this.#legs.say(leg, held ? 'CHANNEL_HOLD' : 'CHANNEL_UNHOLD', moment)];
  }

  /** UNBRIDGE and BRIDGE of a pair, on the leg that carries these events. */
  #tellPairs(changes: readonly PairChange[], moment: Moment): MappedEvent[] {
    const tell = (name: string, pair: PairChange['begun']): MappedEvent[] => {
      const leg = pair === null ? undefined : this.#legs.get(pair.on);
      if (pair === null || leg === undefined) return [];
      this.#link(pair.on, pair.other);
      const own = { 'Bridge-B-Unique-ID': this.#legs.callIdOf(pair.other) };
      return this.#legs.say(
        leg,
        name,
        { ...moment, ...(this.#interface === 'ARI' && { bridgeId: pair.bridgeId }) },
        own,
      );
    };
    return changes.flatMap(({ ended, begun }) => [
      ...tell('CHANNEL_UNBRIDGE', ended),
      ...tell('CHANNEL_BRIDGE', begun),
    ]);
  }

  #link(one: string, other: string) {
    const first = this.#legs.get(one);
    const second = this.#legs.get(other);
    if (first !== undefined) first.state.partner = other;
    if (second !== undefined) second.state.partner = one;
  }

  #cross(action: StepAction & { kind: 'entered' | 'left' }, moment: Moment): Outcome {
    const { kind, channel, bridge } = action;
    const events: MappedEvent[] = [];
    const leg = this.#runningLegOf(channel, moment, events);
    if (typeof leg === 'string') return leg;
    if (bridge.kind !== CALL_BRIDGE) return unlessNone(events, 'not_mapped');
    const change =
      kind === 'entered' ? this.#bridges.enter(bridge.id, channel.id) : this.#bridges.leave(bridge.id, channel.id);
    events.push(...this.#tellPairs([change], moment));
    return unlessNone(events, 'not_mapped');
  }

  #dial(action: StepAction & { kind: 'dialing' | 'dialed' }): Outcome {
    const { caller, peer } = action;
    const events: MappedEvent[] = [];
    for (const channel of [caller, peer]) {
      const leg = channel === null ? undefined : this.#legs.get(channel.id);
      if (channel === null || leg === undefined) continue;
      events.push(...this.#legs.note(leg, channel));
      if (action.kind === 'dialed') leg.state.dialStatus = action.status;
    }
    if (action.kind === 'dialing' && caller !== null && peer !== null) this.#link(caller.id, peer.id);
    return unlessNone(events, 'not_mapped');
  }

  #tell(channel: Channel, name: string, moment: Moment, own: Record<string, unknown>): Outcome {
    const events: MappedEvent[] = [];
    const leg = this.#runningLegOf(channel, moment, events);
    if (typeof leg === 'string') return leg;
    if (name === 'RECORD_START') leg.state.recordings += 1;
    if (name.startsWith('PARK_')) leg.state.slot = name === 'PARK_PARKED' ? text(own['Parking-Slot']) : '';
    if (name === 'RECORD_STOP') leg.state.recordings = Math.max(0, leg.state.recordings - 1);
    return [...events, ...this.#legs.say(leg, name, moment, own)];
  }

  #transfer(transferer: Channel, transferee: Channel | null, moment: Moment): Outcome {
    const idOf = (channel: Channel) => ({ 'Other-Leg-Call-ID': this.#legs.callIdOf(channel.id) });
    const first = this.#tell(transferer, 'CHANNEL_TRANSFEROR', moment, transferee === null ? {} : idOf(transferee));
    if (transferee === null) return first;
    const second = this.#tell(transferee, 'CHANNEL_TRANSFEREE', moment, idOf(transferer));
    if (typeof first === 'string') return second;
    return typeof second === 'string' ? first : [...first, ...second];
  }

  #end(action: StepAction & { kind: 'gone' }, moment: Moment): Outcome {
    const events: MappedEvent[] = [];
    const leg = this.#runningLegOf(action.channel, moment, events);
    if (typeof leg === 'string') return leg;
    events.push(...this.#tellPairs(this.#bridges.forget(action.channel.id), moment));
    // Asterisk sends no event for a MixMonitor that ends with its channel.
    if (leg.state.recordings > 0) {
      events.push(...this.#legs.say(leg, 'RECORD_STOP', missedAt(moment, moment.micros / 1_000)));
    }
    // The event that a parked call was given up may arrive before or after the channel's end.
    if (leg.state.slot !== '') {
      const own = { 'Parking-Slot': leg.state.slot };
      events.push(...this.#legs.say(leg, 'PARK_ABANDONED', missedAt(moment, moment.micros / 1_000), own));
    }
    return [...events, ...this.#legs.end(leg, moment, action.cause, action.techCause)];
  }

  /** When this channel is the first of a new life of the switch, ends the legs of the previous life. */
  #noteLife(channel: Channel, moment: Moment): MappedEvent[] {
    if (!this.#life.hasRestarted(channel.id)) return [];
    return this.#endLife(channel.createdAt ?? moment.micros, moment);
  }

  /** Ends every leg that began before the switch started. */
  #endLife(since: number, moment: Moment): MappedEvent[] {
    const gone = [...this.#legs.registry.legs()].filter(({ state }) => state.createdAt < since);
    return gone.flatMap((leg) => {
      this.#bridges.forget(leg.state.channel.id);
      return this.#legs.endSynthetically(leg, 'switch_restarted', moment);
    });
  }

  #act(action: StepAction, moment: Moment): Outcome {
    switch (action.kind) {
      case 'created':
        return this.#begin(action.channel, moment);
      case 'state':
        return this.#changeState(action.channel, moment);
      case 'account': {
        const leg = this.#legs.get(action.channel.id);
        const events = leg === undefined ? [] : this.#legs.note(leg, action.channel);
        return unlessNone(events, 'not_mapped');
      }
      case 'hold':
      case 'unhold':
        return this.#hold(action.channel, action.kind === 'hold', moment);
      case 'dialing':
      case 'dialed':
        return this.#dial(action);
      case 'entered':
      case 'left':
        return this.#cross(action, moment);
      case 'bridge_gone':
        return unlessNone(this.#tellPairs([this.#bridges.dissolve(action.bridge.id)], moment), 'not_mapped');
      case 'digit':
        return this.#tell(action.channel, 'DTMF', moment, {
          'DTMF-Digit': action.digit,
          'DTMF-Duration': action.durationMs === undefined ? undefined : action.durationMs * SAMPLES_PER_MS,
        });
      case 'parked':
      case 'retrieved':
      case 'abandoned':
        return this.#tell(action.channel, `PARK_${action.kind.toUpperCase()}`, moment, { 'Parking-Slot': action.slot });
      case 'recording':
      case 'recorded':
        return this.#tell(action.channel, action.kind === 'recording' ? 'RECORD_START' : 'RECORD_STOP', moment, {});
      case 'transferred':
        return this.#transfer(action.transferer, action.transferee, moment);
      case 'gone':
        return this.#end(action, moment);
      case 'booted':
        return unlessNone(this.#endLife(action.since - BOOT_SLACK_MICROS, moment), 'not_mapped');
      case 'none':
        return 'not_mapped';
      case 'malformed':
        return 'malformed';
    }
  }

  #momentOf({ micros, stamp }: Step, now: number): Moment {
    const at = micros ?? Math.floor(now * 1_000);
    return {
      micros: at,
      stamp: stamp === '' ? `${at}n${this.#received}` : stamp,
      position: `${at}:${this.#received}`,
      now,
    };
  }

  #adoptChannel(channel: Channel, missed: Moment, lostAt: number): MappedEvent[] {
    const known = this.#legs.get(channel.id);
    const { leg, events } =
      known === undefined
        ? this.#legs.beginMissed(channel, missed, lostAt)
        : { leg: known, events: this.#legs.note(known, channel) };
    if (known === undefined) leg.state.held = null;
    if (channel.state === 'Ringing') leg.state.rang = true;
    if (channel.state === 'Up' && !leg.state.up) {
      leg.state.up = true;
      events.push(...this.#legs.say(leg, 'CHANNEL_ANSWER', missed));
    }
    return events;
  }
}

/** Nothing when the event only changed known state. */
function unlessNone(events: MappedEvent[], reason: DropReason): Outcome {
  return events.length === 0 ? reason : events;
}

function missedAt(moment: Moment, lostAt: number): Moment {
  return { ...moment, synthetic: { kind: 'missed', lostAt } };
}
