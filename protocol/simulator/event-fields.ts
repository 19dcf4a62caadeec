import type { Leg, Party, SimulatedAccount } from './call-leg.ts';
import { TICK_MS, type Step } from './call-script.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Shared by all events of one call. */
export interface CallFacts {
  readonly account: SimulatedAccount;
  /** Correlates the legs: Gregorian seconds and 8 hexadecimal digits. */
  readonly interactionId: string;
  /** The leg that began the call. */
  readonly firstLeg: Leg;
}

/** Seconds from the year 0 to 1970: a Kazoo Timestamp counts Gregorian seconds. */
export const GREGORIAN_OFFSET = 62_167_219_200;

const SWITCH = 'freeswitch@fs001.example.com';
const APPS = 'kazoo_apps@kz001.example.com';
const WITH_ADDRESSES: ReadonlySet<string> = new Set([
  'CHANNEL_CREATE',
  'CHANNEL_ANSWER',
  'CHANNEL_DESTROY',
  'CHANNEL_PROGRESS',
  'RECORD_STOP',
]);

/** The fields of a step's event, named and valued as Kazoo 4.3 publishes them. */
export function eventFields(step: Step, call: CallFacts): Fields {
  if (step.name.startsWith('PARK_')) return parkFields(step, call);
  const { leg } = step;
  // DTMF contains only the header block and the channel variables.
  const body = step.name === 'DTMF' ? {} : { ...channelFields(step), ...peerFields(step) };
  const microseconds = switchMicroseconds(step.at);
  return {
    'Event-Category': 'call_event',
    'Event-Name': step.name,
    'Msg-ID': String(microseconds),
    // The mapping of 4.3 rounds up.
    Timestamp: Math.ceil(microseconds / 1_000_000) + GREGORIAN_OFFSET,
    'Call-ID': leg.callId,
    'Channel-Created-Time': switchMicroseconds(leg.createdAt),
    Node: SWITCH,
    'App-Name': 'freeswitch',
    'App-Version': '1.0',
    ...body,
    'Custom-Channel-Vars': channelVariables(step, call),
    'Custom-Application-Vars': {},
    ...(WITH_ADDRESSES.has(step.name) && addresses(leg, call.account)),
    ...step.extra,
  };
}

/** Unix microseconds of the switch's tick: all events within one tick share them. */
function switchMicroseconds(milliseconds: number): number {
  const tick = Math.floor(milliseconds / TICK_MS);
  return tick * TICK_MS * 1_000 + ((tick * 7_919) % 1_000);
}

/** PARK_* come from the callflow application: a random Msg-ID, no Timestamp, no data of the channel. */
function parkFields(step: Step, call: CallFacts): Fields {
  const { leg } = step;
  return {
    'Event-Category': 'call_event',
    'Event-Name': step.name,
    'Call-ID': leg.callId,
    'Caller-ID-Number': leg.caller.number,
    'Caller-ID-Name': leg.caller.name,
    'Callee-ID-Number': leg.callee.number,
    'Callee-ID-Name': leg.callee.name,
    'Custom-Channel-Vars': channelVariables(step, call),
    Node: APPS,
    'App-Name': 'callflow',
    'App-Version': '4.0.0',
    ...step.extra,
  };
}

function channelFields({ at, name, leg }: Step): Fields {
  const [state, callState, answerState] = channelStates(name, leg);
  const near = leg.direction === 'inbound' ? leg.caller : leg.callee;
  return {
    'Call-Direction': leg.direction,
    'Channel-State': state,
    'Channel-Call-State': callState,
    'Channel-Name': `sofia/sipinterface_1/${near.number}`,
    'Channel-Answer-State': answerState,
    'Caller-ID-Number': leg.caller.number,
    'Caller-ID-Name': leg.caller.name,
    ...((leg.direction === 'outbound' || (leg.answeredAt !== null && leg.answeredAt <= at)) && {
      'Callee-ID-Number': leg.callee.number,
      'Callee-ID-Name': leg.callee.name,
    }),
    'Caller-Destination-Number': leg.callee.number,
    'User-Agent': near.userAgent,
  };
}

function channelStates(name: string, leg: Leg): readonly [state: string, callState: string, answerState: string] {
  const running = leg.direction === 'inbound' ? 'EXECUTE' : 'EXCHANGE_MEDIA';
  switch (name) {
    case 'CHANNEL_CREATE':
      return ['INIT', 'DOWN', 'ringing'];
    case 'CHANNEL_PROGRESS':
      return leg.direction === 'inbound' ? ['EXECUTE', 'RINGING', 'ringing'] : ['CONSUME_MEDIA', 'DOWN', 'ringing'];
    case 'CHANNEL_ANSWER':
      return [leg.direction === 'inbound' ? 'EXECUTE' : 'CONSUME_MEDIA', 'RINGING', 'answered'];
    case 'CHANNEL_HOLD':
      return [running, 'HELD', 'answered'];
    case 'CHANNEL_DESTROY':
      return ['REPORTING', 'HANGUP', 'hangup'];
    default:
      return [running, 'ACTIVE', 'answered'];
  }
}

function peerFields({ name, peer }: Step): Fields {
  if (peer === null) return {};
  return {
    'Other-Leg-Direction': peer.direction,
    'Other-Leg-Caller-ID-Name': peer.caller.name,
    'Other-Leg-Caller-ID-Number': peer.caller.number,
    'Other-Leg-Destination-Number': peer.callee.number,
    'Other-Leg-Call-ID': peer.callId,
    ...((name === 'CHANNEL_BRIDGE' || name === 'CHANNEL_UNBRIDGE') && { 'Bridge-B-Unique-ID': peer.callId }),
  };
}

function addresses(leg: Leg, account: SimulatedAccount): Fields {
  const to = `${leg.callee.number}@${account.realm}`;
  return { Request: to, To: to, From: `${leg.caller.number}@${account.realm}` };
}

function channelVariables({ name, leg }: Step, call: CallFacts): Fields {
  const { account } = call;
  const near: Party = leg.direction === 'inbound' ? leg.caller : leg.callee;
  const isFirstEvent = name === 'CHANNEL_CREATE' && leg.direction === 'inbound';
  return {
    'Account-ID': account.id,
    'Account-Name': account.name,
    'Account-Realm': account.realm,
    ...(near.owner === null
      ? { 'Authorizing-Type': 'resource', 'Global-Resource': 'true' }
      : {
          Username: `user_${near.number}`,
          'Owner-ID': near.owner.ownerId,
          'Authorizing-ID': near.owner.deviceId,
          'Authorizing-Type': 'device',
        }),
    'Channel-Authorized': 'true',
    // Kazoo sets these once its callflow controls the leg: after it has published the CREATE of an inbound one.
    ...(!isFirstEvent && {
      'Call-Interaction-ID': call.interactionId,
      'Bridge-ID': call.firstLeg.callId,
      'Application-Name': 'callflow',
    }),
  };
}
