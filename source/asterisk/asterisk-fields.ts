import type { AccountRules } from '../legs/account-rules.ts';
import type { ChosenVariables } from '../legs/chosen-variables.ts';
import type { Fields } from '../legs/event-body.ts';
import { asteriskHangupCause } from '../legs/hangup-causes.ts';
import type { Channel } from './step.ts';

/** State of a channel. Times are Unix microseconds of the switch. */
export interface ChannelState {
  readonly direction: 'inbound' | 'outbound';
  readonly createdAt: number;
  /** Linkedid at the channel's start. */
  readonly interactionId: string;
  /** The dialled number at the channel's start. The extensions `s` and `h` are not numbers. */
  readonly destination: string;
  up: boolean;
  /** Undefined when the answer was not received. */
  answeredAt: number | undefined;
  rang: boolean;
  /** Null when the leg began from a listing, which does not contain it: its next Unhold is then trusted. */
  held: boolean | null;
  /** Number of MixMonitors that run on it. */
  recordings: number;
  /** Where it is parked; empty when it is not. */
  slot: string;
  /** DialStatus of the last dial with this channel, as caller or as called side. */
  dialStatus: string;
  /** The channel on the other side: the dial partner, later the other member of the bridge. */
  partner: string;
  /** As the last event showed it. */
  channel: Channel;
  /** Those of the last event that had any. */
  variables: Channel['variables'];
}

const WITH_ADDRESSES: ReadonlySet<string> = new Set(['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY']);

const CALL_STATES: Readonly<Record<string, string>> = {
  Ring: 'RINGING',
  Ringing: 'RINGING',
  Up: 'ACTIVE',
  Down: 'DOWN',
};

/** State that one event adds to its channel. */
export interface EventFacts {
  readonly name: string;
  readonly otherId: string;
  readonly own: Fields;
}

/** The fields of an event between its header and the variables. */
export function channelFields(state: ChannelState, facts: EventFacts, account: string, rules: AccountRules): Fields {
  const { channel } = state;
  const ended = facts.name === 'CHANNEL_DESTROY';
  const realm = rules.realmOf(account);
  return {
    'Call-Direction': state.direction,
    'Caller-ID-Number': channel.callerNumber,
    'Caller-ID-Name': channel.callerName,
    'Callee-ID-Number': channel.connectedNumber,
    'Callee-ID-Name': channel.connectedName,
    'Caller-Destination-Number': state.destination,
    ...(realm !== '' && WITH_ADDRESSES.has(facts.name) && addressFields(state, realm)),
    'Channel-Call-State': ended ? 'HANGUP' : state.held ? 'HELD' : (CALL_STATES[channel.state] ?? ''),
    'Channel-Answer-State': ended ? 'hangup' : answerState(channel.state),
    'Channel-Name': channel.name,
    'Channel-Created-Time': state.createdAt,
    ...(channel.name.startsWith('Local/') && { 'Channel-Is-Loopback': true }),
    'Other-Leg-Call-ID': facts.otherId,
    ...facts.own,
  };
}

function answerState(state: string): string {
  if (state === 'Up') return 'answered';
  return state === 'Ring' || state === 'Ringing' ? 'ringing' : '';
}

function addressFields({ channel, destination }: ChannelState, realm: string): Fields {
  const to = destination === '' ? '' : `${destination}@${realm}`;
  return { From: channel.callerNumber === '' ? '' : `${channel.callerNumber}@${realm}`, To: to, Request: to };
}

export function variableFields(state: ChannelState, account: string, rules: AccountRules): Fields {
  return {
    'Account-ID': account,
    'Account-Realm': rules.realmOf(account),
    Username: endpointOf(state.channel.name),
    'Call-Interaction-ID': state.interactionId,
  };
}

export function applicationFields(variables: Channel['variables'], chosen: ChosenVariables | null): Fields | undefined {
  return chosen?.(variables);
}

/** Data of a leg's end. `micros`: time of the end. */
export function endFields(state: ChannelState, micros: number, cause: number, techCause: string): Fields {
  const { up, answeredAt, createdAt, dialStatus } = state;
  const seconds = (from: number, to: number) => Math.max(0, Math.ceil((to - from) / 1_000_000));
  return {
    'Hangup-Cause': asteriskHangupCause({ cause, answered: up, dialStatus }),
    'Hangup-Code': techCause === '' ? '' : `sip:${techCause}`,
    'Duration-Seconds': seconds(createdAt, micros),
    // Without an observed answer both remain undefined.
    ...(!up && { 'Ringing-Seconds': seconds(createdAt, micros), 'Billing-Seconds': 0 }),
    ...(up &&
      answeredAt !== undefined && {
        'Ringing-Seconds': seconds(createdAt, answeredAt),
        'Billing-Seconds': seconds(answeredAt, micros),
      }),
  };
}

const ENDPOINT = /^PJSIP\/(.+)-[0-9a-f]{8}$/;

/** `PJSIP/1001-00000004` -> `1001`. */
function endpointOf(channelName: string): string {
  return ENDPOINT.exec(channelName)?.[1] ?? '';
}

const NO_NUMBERS: ReadonlySet<string> = new Set(['s', 'h', 'i', 't']);

/** The dialled number of a new channel. Asterisk's special extensions do not count. */
export function destinationOf({ exten }: Channel): string {
  return NO_NUMBERS.has(exten) ? '' : exten;
}
