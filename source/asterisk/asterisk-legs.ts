import { accountName, bodyText, headerFields, type Fields } from '../legs/event-body.ts';
import { eventIdOf } from '../legs/event-id.ts';
import { createHiddenFields, type HiddenFields } from '../legs/hidden-fields.ts';
import { GRACE_MS, LegRegistry, type Claim, type Draft, type Leg } from '../legs/leg-registry.ts';
import type { MappedEvent, Synthetic } from '../mapper.ts';
import type { MappingOptions } from '../mapping-options.ts';
import {
  applicationFields,
  channelFields,
  destinationOf,
  endFields,
  variableFields,
  type ChannelState,
} from './asterisk-fields.ts';
import { createdAtOf } from './asterisk-listing.ts';
import type { Channel } from './step.ts';

export type AsteriskLeg = Leg<ChannelState>;

/** The time of something that happens to a leg, and what makes its event's id. */
export interface Moment {
  /** Unix microseconds of the switch. */
  readonly micros: number;
  /** The time as it stands in ids. */
  readonly stamp: string;
  readonly position: string;
  /** Unix milliseconds of the arrival. */
  readonly now: number;
  /** ARI: part of the ids of BRIDGE and UNBRIDGE. */
  readonly bridgeId?: string;
  /** Given when the event is not the switch's own. `lostAt`: Unix milliseconds. */
  readonly synthetic?: { readonly kind: Synthetic; readonly lostAt: number };
}

export interface AsteriskLegsOptions extends MappingOptions {
  readonly endpoint: string;
  readonly version?: string;
}

/** The legs of one Asterisk and how their events are written. */
export class AsteriskLegs {
  readonly registry: LegRegistry<ChannelState>;
  readonly #options: AsteriskLegsOptions;
  readonly #isHidden: HiddenFields;

  constructor(options: AsteriskLegsOptions) {
    this.#options = options;
    this.registry = new LegRegistry({ ...options, graceMs: GRACE_MS });
    this.#isHidden = createHiddenFields(options.privacy);
  }

  callIdOf(id: string): string {
    return `${id}@${this.#options.endpoint}`;
  }

  get(id: string): AsteriskLeg | undefined {
    return this.registry.get(this.callIdOf(id));
  }

  hasEnded(id: string): boolean {
    return this.registry.hasEnded(this.callIdOf(id));
  }

  /** A leg whose CREATE is here. */
  begin(channel: Channel, moment: Moment): Begun {
    const leg = this.#begin(channel, channel.linkedId, channel.createdAt ?? moment.micros);
    return { leg, events: this.say(leg, 'CHANNEL_CREATE', moment) };
  }

  /** A leg whose CREATE was not received: it begins as old as it is. Its root counts for no account (S8). */
  beginMissed(channel: Channel, moment: Moment, lostAt: number): Begun {
    const createdAt = Math.min(createdAtOf(channel) ?? moment.micros, moment.micros);
    const leg = this.#begin(channel, '', createdAt);
    const synthetic = { kind: 'missed', lostAt } as const;
    return { leg, events: this.say(leg, 'CHANNEL_CREATE', { ...moment, micros: createdAt, synthetic }) };
  }

  /** The channel as this event shows it. */
  note(leg: AsteriskLeg, channel: Channel): MappedEvent[] {
    const { variables } = leg.state.channel;
    leg.state.channel = channel.variables.size === 0 ? { ...channel, variables } : channel;
    return this.registry.latch(leg, this.#accountNamedBy(channel));
  }

  say(leg: AsteriskLeg, name: string, moment: Moment, own: Fields = {}): MappedEvent[] {
    return this.registry.emit(leg, this.#draft(leg, name, moment, own), this.#claimOf(leg.state), moment.now);
  }

  end(leg: AsteriskLeg, moment: Moment, cause: number, techCause: string): MappedEvent[] {
    return this.#end(leg, moment, endFields(leg.state, moment.micros, cause, techCause));
  }

  endSynthetically(leg: AsteriskLeg, kind: Synthetic, moment: Moment): MappedEvent[] {
    const own = { 'Hangup-Cause': kind === 'switch_restarted' ? 'CRASH' : 'NONE' };
    return this.#end(leg, { ...moment, synthetic: { kind, lostAt: moment.now } }, own);
  }

  #end(leg: AsteriskLeg, moment: Moment, own: Fields): MappedEvent[] {
    const draft = this.#draft(leg, 'CHANNEL_DESTROY', moment, own);
    return this.registry.end(leg, draft, this.#claimOf(leg.state), moment.now);
  }

  #begin(channel: Channel, rootId: string, createdAt: number): AsteriskLeg {
    return this.registry.begin(this.callIdOf(channel.id), rootId === '' ? '' : this.callIdOf(rootId), {
      direction: directionOf(channel),
      createdAt,
      interactionId: channel.linkedId,
      destination: destinationOf(channel),
      up: false,
      answeredAt: undefined,
      rang: false,
      held: false,
      recordings: 0,
      slot: '',
      dialStatus: '',
      partner: '',
      channel,
    });
  }

  /** The configured variable, else AccountCode; where rules read accountCode, it means nothing by itself. */
  #accountNamedBy(channel: Channel): string {
    const { accounts, accountVariable } = this.#options;
    const named = accountName(channel.variables.get(accountVariable));
    return named !== '' || accounts.readAccountCode ? named : accountName(channel.accountCode);
  }

  #claimOf({ direction, destination, channel }: ChannelState): Claim {
    return {
      named: this.#accountNamedBy(channel),
      byRule: () =>
        this.#options.accounts.accountOf({
          accountCode: channel.accountCode,
          context: channel.context,
          did: direction === 'inbound' ? destination : '',
        }),
    };
  }

  #draft(leg: AsteriskLeg, name: string, moment: Moment, own: Fields): Draft {
    const { endpoint, accounts, chosen, switchId, version = 'unknown' } = this.#options;
    const { micros, position } = moment;
    const synthetic = moment.synthetic?.kind ?? null;
    const isHidden = this.#isHidden;
    // As it is now: an event that waits must not show what comes later.
    const state = { ...leg.state };
    const { callId } = leg;
    const otherId = state.partner === '' ? '' : this.callIdOf(state.partner);
    return {
      name,
      eventId: idOf(`ast.${endpoint}`, state.channel.id, name, moment),
      position,
      at: Math.floor(micros / 1_000),
      synthetic,
      render(account) {
        const header = { name, callId, micros, appName: 'asterisk', appVersion: version } as const;
        const fields = {
          ...headerFields({ ...header, node: `asterisk@${endpoint}`, switchId: switchId(endpoint) }),
          ...(BARE.has(name)
            ? { 'Channel-Created-Time': state.createdAt, ...own }
            : channelFields(state, { name, otherId, own }, account, accounts)),
          ...(synthetic !== null && name === 'CHANNEL_CREATE' && NO_STATE),
          'Custom-Channel-Vars': variableFields(state, account, accounts),
          'Custom-Application-Vars': applicationFields(state.channel, chosen),
        };
        return bodyText(fields, isHidden, synthetic);
      },
    };
  }
}

interface Begun {
  readonly leg: AsteriskLeg;
  readonly events: MappedEvent[];
}

/** Kazoo sends these with the header block and the variables alone. */
const BARE: ReadonlySet<string> = new Set(['DTMF']);
/** A synthetic beginning claims no state: it was not seen. */
const NO_STATE = { 'Channel-Call-State': undefined, 'Channel-Answer-State': undefined };

/** What a leg has once has a fixed id: a synthetic one and the real one exclude each other. */
const ONCE: ReadonlySet<string> = new Set(['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY']);

function idOf(prefix: string, id: string, name: string, { stamp, bridgeId, synthetic }: Moment): string {
  if (ONCE.has(name)) return eventIdOf(prefix, id, name.slice('CHANNEL_'.length));
  if (synthetic !== undefined) return eventIdOf(prefix, id, name, 'syn', Math.floor(synthetic.lostAt / 1_000));
  const isBridge = name === 'CHANNEL_BRIDGE' || name === 'CHANNEL_UNBRIDGE';
  return isBridge && bridgeId !== undefined
    ? eventIdOf(prefix, id, stamp, bridgeId, name)
    : eventIdOf(prefix, id, stamp, name);
}

/** A new inbound channel is the caller's. Later its application or its root decides. */
function directionOf({ state, id, linkedId, application }: Channel): 'inbound' | 'outbound' {
  if (state === 'Ring') return 'inbound';
  if (state === 'Down' || state === 'Ringing' || application.startsWith('AppDial')) return 'outbound';
  return linkedId === '' || linkedId === id ? 'inbound' : 'outbound';
}
