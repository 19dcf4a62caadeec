import { text, wholeNumber } from '../legs/event-body.ts';
import type { SwitchEvent } from '../mapper.ts';
import type { Bridge, Channel, Step, StepAction } from './step.ts';

/** Reads the meaning of an ARI event. Inbound and outbound sockets send the same events. */
export function readAriEvent(event: SwitchEvent): Step {
  const millis = millisOf(event['timestamp']);
  const what = text(event['type']);
  return {
    action: what === '' ? { kind: 'malformed' } : actionOf(what, event),
    micros: millis === undefined ? undefined : millis * 1_000,
    stamp: millis === undefined ? '' : String(millis),
    what,
    bridgeInId: true,
  };
}

function actionOf(type: string, event: SwitchEvent): StepAction {
  switch (type) {
    case 'ChannelCreated':
      return of(event, 'channel', (channel) => ({ kind: 'created', channel }));
    case 'ChannelStateChange':
      return of(event, 'channel', (channel) => ({ kind: 'state', channel }));
    case 'ChannelVarset':
    case 'ChannelDialplan':
    case 'ChannelConnectedLine':
    case 'ChannelCallerId':
      return of(event, 'channel', (channel) => ({ kind: 'account', channel }));
    case 'ChannelHold':
      return of(event, 'channel', (channel) => ({ kind: 'hold', channel }));
    case 'ChannelUnhold':
      return of(event, 'channel', (channel) => ({ kind: 'unhold', channel }));
    case 'Dial':
      return dial(event);
    case 'ChannelEnteredBridge':
      return of(event, 'channel', (channel) => ({ kind: 'entered', channel, bridge: bridgeOf(event) }));
    case 'ChannelLeftBridge':
      return of(event, 'channel', (channel) => ({ kind: 'left', channel, bridge: bridgeOf(event) }));
    case 'BridgeDestroyed':
      return { kind: 'bridge_gone', bridge: bridgeOf(event) };
    case 'ChannelDtmfReceived':
      return of(event, 'channel', (channel) => ({
        kind: 'digit',
        channel,
        digit: text(event['digit']),
        durationMs: wholeNumber(event['duration_ms']),
      }));
    case 'BridgeBlindTransfer':
      return transfer(event, 'channel');
    case 'BridgeAttendedTransfer':
      return transfer(event, 'transferer_first_leg');
    case 'ChannelDestroyed':
      return of(event, 'channel', (channel) => ({
        kind: 'gone',
        channel,
        cause: wholeNumber(event['cause']) ?? 0,
        techCause: techCause(event['tech_cause']),
      }));
    default:
      return { kind: 'none' };
  }
}

/** An empty dialstatus is the start of a dial. RINGING, PROGRESS and PROCEEDING are intermediate states. */
function dial(event: SwitchEvent): StepAction {
  const status = text(event['dialstatus']);
  const caller = channelOf(event['caller']);
  const peer = channelOf(event['peer']);
  return UNDER_WAY.has(status) ? { kind: 'dialing', caller, peer } : { kind: 'dialed', caller, peer, status };
}

const UNDER_WAY: ReadonlySet<string> = new Set(['', 'RINGING', 'PROGRESS', 'PROCEEDING']);

function transfer(event: SwitchEvent, key: string): StepAction {
  if (event['result'] !== 'Success') return { kind: 'none' };
  return of(event, key, (transferer) => ({
    kind: 'transferred',
    transferer,
    transferee: channelOf(event['transferee']),
  }));
}

function of(event: SwitchEvent, key: string, make: (channel: Channel) => StepAction): StepAction {
  const channel = channelOf(event[key]);
  return channel === null ? { kind: 'malformed' } : make(channel);
}

/** A channel object of ARI, from an event or from `GET /ari/channels`. */
export function channelOf(value: unknown): Channel | null {
  if (!isRecord(value)) return null;
  const id = text(value['id']);
  return id === '' ? null : new AriChannel(id, value);
}

/** Reads what is asked for: most events only tell the account, or nothing new. */
class AriChannel implements Channel {
  readonly id: string;
  readonly variables: ReadonlyMap<string, string>;
  readonly #value: SwitchEvent;

  constructor(id: string, value: SwitchEvent) {
    this.id = id;
    this.variables = variablesOf(value['channelvars']);
    this.#value = value;
  }

  get name() {
    return text(this.#value['name']);
  }

  get state() {
    return text(this.#value['state']);
  }

  get callerNumber() {
    return text(recordOf(this.#value['caller'])['number']);
  }

  get callerName() {
    return text(recordOf(this.#value['caller'])['name']);
  }

  get connectedNumber() {
    return text(recordOf(this.#value['connected'])['number']);
  }

  get connectedName() {
    return text(recordOf(this.#value['connected'])['name']);
  }

  get accountCode() {
    return text(this.#value['accountcode']);
  }

  get context() {
    return text(recordOf(this.#value['dialplan'])['context']);
  }

  get exten() {
    return text(recordOf(this.#value['dialplan'])['exten']);
  }

  get linkedId() {
    return this.variables.get(LINKED_ID) ?? '';
  }

  get createdAt() {
    const millis = millisOf(this.#value['creationtime']);
    return millis === undefined ? undefined : millis * 1_000;
  }

  get application() {
    return text(recordOf(this.#value['dialplan'])['app_name']);
  }
}

/** Present when `channelvars` of ari.conf names it. */
const LINKED_ID = 'CHANNEL(linkedid)';

function bridgeOf(event: SwitchEvent): Bridge {
  const bridge = recordOf(event['bridge']);
  return { id: text(bridge['id']), kind: text(bridge['bridge_class']) };
}

const NO_VARIABLES: ReadonlyMap<string, string> = new Map();

function variablesOf(value: unknown): ReadonlyMap<string, string> {
  if (!isRecord(value)) return NO_VARIABLES;
  const variables = new Map<string, string>();
  for (const name of Object.keys(value)) variables.set(name, text(value[name]));
  return variables;
}

function techCause(value: unknown): string {
  return typeof value === 'number' ? String(value) : text(value);
}

function recordOf(value: unknown): SwitchEvent {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is SwitchEvent {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\.(\d{3})([+-]\d{2}):?(\d{2})$/;
/** The second that was parsed last: many events are of one. */
let lastSecond = '';
let lastMillis = NaN;

/** `2026-11-29T21:03:41.238+0000` to Unix milliseconds. */
function millisOf(value: unknown): number | undefined {
  const match = TIME.exec(text(value));
  if (match === null) return undefined;
  const second = `${match[1]}${match[3]}:${match[4]}`;
  if (second !== lastSecond) {
    lastSecond = second;
    lastMillis = Date.parse(second);
  }
  return Number.isNaN(lastMillis) ? undefined : lastMillis + Number(match[2]);
}
