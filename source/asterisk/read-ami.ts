import { text, wholeNumber } from '../legs/event-body.ts';
import type { SwitchEvent } from '../mapper.ts';
import type { Channel, Step, StepAction } from './step.ts';

/** Reads the meaning of an AMI event. Supports AMI 2 and later: Asterisk 12. */
export function readAmiEvent(event: SwitchEvent): Step {
  const seconds = text(event['Timestamp']);
  const micros = microsOf(seconds);
  const what = text(event['Event']);
  return {
    action: what === '' ? { kind: 'malformed' } : actionOf(what, event, micros),
    micros,
    stamp: micros === undefined ? '' : String(micros),
    what,
    bridgeInId: false,
  };
}

function actionOf(name: string, event: SwitchEvent, micros: number | undefined): StepAction {
  switch (name) {
    case 'Newchannel':
      return of(event, '', (channel) => ({ kind: 'created', channel }), micros);
    case 'Newstate':
      return of(event, '', (channel) => ({ kind: 'state', channel }));
    case 'NewAccountCode':
      return of(event, '', (channel) => ({ kind: 'account', channel }));
    case 'Hold':
      return of(event, '', (channel) => ({ kind: 'hold', channel }));
    case 'Unhold':
      return of(event, '', (channel) => ({ kind: 'unhold', channel }));
    case 'DialBegin':
      return { kind: 'dialing', caller: channelOf(event, ''), peer: channelOf(event, 'Dest') };
    case 'DialEnd':
      return {
        kind: 'dialed',
        caller: channelOf(event, ''),
        peer: channelOf(event, 'Dest'),
        status: text(event['DialStatus']),
      };
    case 'BridgeEnter':
      return of(event, '', (channel) => ({ kind: 'entered', channel, bridge: bridgeOf(event) }));
    case 'BridgeLeave':
      return of(event, '', (channel) => ({ kind: 'left', channel, bridge: bridgeOf(event) }));
    case 'BridgeDestroy':
      return { kind: 'bridge_gone', bridge: bridgeOf(event) };
    case 'DTMFEnd':
      return event['Direction'] === 'Received' ? of(event, '', (channel) => digit(event, channel)) : { kind: 'none' };
    case 'MixMonitorStart':
      return of(event, '', (channel) => ({ kind: 'recording', channel }));
    case 'MixMonitorStop':
      return of(event, '', (channel) => ({ kind: 'recorded', channel }));
    case 'Hangup':
      return of(event, '', (channel) => ({
        kind: 'gone',
        channel,
        cause: wholeNumber(event['Cause']) ?? 0,
        techCause: text(event['TechCause']),
      }));
    default:
      return rareActionOf(name, event, micros);
  }
}

function rareActionOf(name: string, event: SwitchEvent, micros: number | undefined): StepAction {
  const slot = text(event['ParkingSpace']);
  switch (name) {
    case 'ParkedCall':
      return of(event, 'Parkee', (channel) => ({ kind: 'parked', channel, slot }));
    case 'UnParkedCall':
      return of(event, 'Parkee', (channel) => ({ kind: 'retrieved', channel, slot }));
    case 'ParkedCallGiveUp':
    case 'ParkedCallTimeOut':
      return of(event, 'Parkee', (channel) => ({ kind: 'abandoned', channel, slot }));
    case 'BlindTransfer':
      return transfer(event, 'Transferer');
    case 'AttendedTransfer':
      return transfer(event, 'OrigTransferer');
    case 'FullyBooted': {
      const uptime = wholeNumber(event['Uptime']);
      if (uptime === undefined || micros === undefined) return { kind: 'none' };
      return { kind: 'booted', since: micros - uptime * 1_000_000 };
    }
    default:
      return { kind: 'none' };
  }
}

function transfer(event: SwitchEvent, prefix: string): StepAction {
  if (event['Result'] !== 'Success') return { kind: 'none' };
  return of(event, prefix, (transferer) => ({
    kind: 'transferred',
    transferer,
    transferee: channelOf(event, 'Transferee'),
  }));
}

function digit(event: SwitchEvent, channel: Channel): StepAction {
  return { kind: 'digit', channel, digit: text(event['Digit']), durationMs: wholeNumber(event['DurationMs']) };
}

function of(
  event: SwitchEvent,
  prefix: string,
  make: (channel: Channel) => StepAction,
  createdAt?: number,
): StepAction {
  const channel = channelOf(event, prefix, createdAt);
  return channel === null ? { kind: 'malformed' } : make(channel);
}

/** The channel in the keys with this prefix: `Uniqueid`, `DestUniqueid`, `ParkeeUniqueid`. */
export function channelOf(event: SwitchEvent, prefix: string, createdAt?: number): Channel | null {
  const keys = keysWith(prefix);
  const id = known(event[keys.id]);
  return id === '' ? null : new AmiChannel(id, event, keys, createdAt);
}

/** Reads what is asked for: most events only tell the account, or nothing new. */
class AmiChannel implements Channel {
  readonly id: string;
  readonly createdAt: number | undefined;
  readonly #event: SwitchEvent;
  readonly #keys: ChannelKeys;

  constructor(id: string, event: SwitchEvent, keys: ChannelKeys, createdAt: number | undefined) {
    this.id = id;
    this.createdAt = createdAt;
    this.#event = event;
    this.#keys = keys;
  }

  get name() {
    return known(this.#event[this.#keys.name]);
  }

  get state() {
    return known(this.#event[this.#keys.state]);
  }

  get callerNumber() {
    return known(this.#event[this.#keys.callerNumber]);
  }

  get callerName() {
    return known(this.#event[this.#keys.callerName]);
  }

  get connectedNumber() {
    return known(this.#event[this.#keys.connectedNumber]);
  }

  get connectedName() {
    return known(this.#event[this.#keys.connectedName]);
  }

  get accountCode() {
    return known(this.#event[this.#keys.accountCode]);
  }

  get context() {
    return known(this.#event[this.#keys.context]);
  }

  get exten() {
    return known(this.#event[this.#keys.exten]);
  }

  get linkedId() {
    return known(this.#event[this.#keys.linkedId]);
  }

  get application() {
    return known(this.#event[this.#keys.application]);
  }

  get variables() {
    return variablesOf(this.#event[this.#keys.variables]);
  }
}

const CHANNEL_KEYS = {
  id: 'Uniqueid',
  name: 'Channel',
  state: 'ChannelStateDesc',
  callerNumber: 'CallerIDNum',
  callerName: 'CallerIDName',
  connectedNumber: 'ConnectedLineNum',
  connectedName: 'ConnectedLineName',
  accountCode: 'AccountCode',
  context: 'Context',
  exten: 'Exten',
  linkedId: 'Linkedid',
  application: 'Application',
  variables: 'ChanVariable',
} as const;

type ChannelKeys = Readonly<Record<keyof typeof CHANNEL_KEYS, string>>;

const keysByPrefix = new Map<string, ChannelKeys>();

/** Made once for each of the few prefixes. */
function keysWith(prefix: string): ChannelKeys {
  const known = keysByPrefix.get(prefix);
  if (known !== undefined) return known;
  const keys = Object.entries(CHANNEL_KEYS).map(([member, key]) => [member, prefix + key] as const);
  const made = Object.fromEntries(keys) as ChannelKeys;
  keysByPrefix.set(prefix, made);
  return made;
}

function bridgeOf(event: SwitchEvent) {
  return { id: text(event['BridgeUniqueid']), kind: text(event['BridgeType']) };
}

/** AMI sends `<unknown>` for an unknown value. */
function known(value: unknown): string {
  return value === '<unknown>' ? '' : text(value);
}

const NO_VARIABLES: ReadonlyMap<string, string> = new Map();

/** `K=V`, or a list of such values. */
function variablesOf(value: unknown): ReadonlyMap<string, string> {
  if (value === undefined) return NO_VARIABLES;
  const variables = new Map<string, string>();
  for (const line of Array.isArray(value) ? (value as unknown[]) : [value]) {
    const assignment = text(line);
    const equals = assignment.indexOf('=');
    if (equals > 0) variables.set(assignment.slice(0, equals), assignment.slice(equals + 1));
  }
  return variables;
}

const SECONDS = /^(\d{1,10})\.(\d{6})$/;

function microsOf(seconds: string): number | undefined {
  const match = SECONDS.exec(seconds);
  return match === null ? undefined : Number(match[1]) * 1_000_000 + Number(match[2]);
}
