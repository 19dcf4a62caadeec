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

/** The time of an event of a leg, and the parts of the event's id. */
export interface Moment {
  /** Unix microseconds of the switch. */
  readonly micros: number;
  /** The time as written in ids. */
  readonly stamp: string;
  readonly position: string;
  /** Arrival, Unix milliseconds. */
  readonly now: number;
  /** ARI: part of the ids of BRIDGE and UNBRIDGE. */
  readonly bridgeId?: string;
  /** Set when the event is synthetic. `lostAt`: Unix milliseconds. */
  readonly synthetic?: { readonly kind: Synthetic; readonly lostAt: number };
}

export interface AsteriskLegsOptions extends MappingOptions {
  readonly endpoint: string;
  readonly version?: string;
}

/** The legs of one Asterisk, and the construction of their events. */
export class AsteriskLegs {
  readonly registry: LegRegistry<ChannelState>;
  readonly #options: AsteriskLegsOptions;
  readonly #isHidden: HiddenFields;
  /** The channel that was asked for last. */
  #lastId: string | null = null;
  #lastCallId = '';

  constructor(options: AsteriskLegsOptions) {
    this.#options = options;
    this.registry = new LegRegistry({ ...options, graceMs: GRACE_MS });
    this.#isHidden = createHiddenFields(options.privacy);
  }

  callIdOf(id: string): string {
    // Several times for each event.
    if (id !== this.#lastId) {
      this.#lastId = id;
      this.#lastCallId = `${id}@${this.#options.endpoint}`;
    }
    return this.#lastCallId;
  }

  get(id: string): AsteriskLeg | undefined {
    return this.registry.get(this.callIdOf(id));
  }

  hasEnded(id: string): boolean {
    return this.registry.hasEnded(this.callIdOf(id));
  }

  /** Adds a leg whose CREATE was received. */
  begin(channel: Channel, moment: Moment): Begun {
    const leg = this.#begin(channel, channel.linkedId, channel.createdAt ?? moment.micros);
    return { leg, events: this.say(leg, 'CHANNEL_CREATE', moment) };
  }

  /**
   * Adds a leg whose CREATE was not received. It begins at its real age. Its root does not count for its account (S8).
   */
  beginMissed(channel: Channel, moment: Moment, lostAt: number): Begun {
    const createdAt = Math.min(createdAtOf(channel) ?? moment.micros, moment.micros);
    const leg = this.#begin(channel, '', createdAt);
    const synthetic = { kind: 'missed', lostAt } as const;
    return { leg, events: this.say(leg, 'CHANNEL_CREATE', { ...moment, micros: createdAt, synthetic }) };
  }

  /** Updates the channel from this event. */
  note(leg: AsteriskLeg, channel: Channel): MappedEvent[] {
    leg.state.channel = channel;
    if (channel.variables.size > 0) leg.state.variables = channel.variables;
    return this.registry.latch(leg, this.#accountNamedBy(channel, channel.variables));
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
      variables: channel.variables,
    });
  }

  /** The configured variable, else AccountCode. Where rules use accountCode, AccountCode alone is not an account. */
  #accountNamedBy(channel: Channel, variables: Channel['variables']): string {
    const { accounts, accountVariable } = this.#options;
    const named = accountName(variables.get(accountVariable));
    return named !== '' || accounts.readAccountCode ? named : accountName(channel.accountCode);
  }

  #claimOf({ direction, destination, channel, variables }: ChannelState): Claim {
    return {
      named: this.#accountNamedBy(channel, variables),
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
    // Captures the present values: an event that waits must not show later ones.
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
          'Custom-Application-Vars': applicationFields(state.variables, chosen),
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

/** For these events, Kazoo sends only the header block and the variables. */
const BARE: ReadonlySet<string> = new Set(['DTMF']);
/** A synthetic CREATE contains no state: none was observed. */
const NO_STATE = { 'Channel-Call-State': undefined, 'Channel-Answer-State': undefined };

/** Events that a leg has once have a fixed id, so the log accepts either the synthetic one or the real one. */
const ONCE: ReadonlySet<string> = new Set(['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY']);

function idOf(prefix: string, id: string, name: string, { stamp, bridgeId, synthetic }: Moment): string {
  if (ONCE.has(name)) return eventIdOf(prefix, id, name.slice('CHANNEL_'.length));
  if (synthetic !== undefined) return eventIdOf(prefix, id, name, 'syn', Math.floor(synthetic.lostAt / 1_000));
  const isBridge = name === 'CHANNEL_BRIDGE' || name === 'CHANNEL_UNBRIDGE';
  return isBridge && bridgeId !== undefined
    ? eventIdOf(prefix, id, stamp, bridgeId, name)
    : eventIdOf(prefix, id, stamp, name);
}

/** A new inbound channel belongs to the caller. Later its application or its root decides. */
function directionOf({ state, id, linkedId, application }: Channel): 'inbound' | 'outbound' {
  if (state === 'Ring') return 'inbound';
  if (state === 'Down' || state === 'Ringing' || application.startsWith('AppDial')) return 'outbound';
  return linkedId === '' || linkedId === id ? 'inbound' : 'outbound';
}
