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
  if (id === '') return null;
  const caller = recordOf(value['caller']);
  const connected = recordOf(value['connected']);
  const dialplan = recordOf(value['dialplan']);
  const variables = variablesOf(value['channelvars']);
  const millis = millisOf(value['creationtime']);
  return {
    id,
    name: text(value['name']),
    state: text(value['state']),
    callerNumber: text(caller['number']),
    callerName: text(caller['name']),
    connectedNumber: text(connected['number']),
    connectedName: text(connected['name']),
    accountCode: text(value['accountcode']),
    context: text(dialplan['context']),
    exten: text(dialplan['exten']),
    linkedId: variables.get(LINKED_ID) ?? '',
    createdAt: millis === undefined ? undefined : millis * 1_000,
    application: text(dialplan['app_name']),
    variables,
  };
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
  return new Map(Object.entries(value).map(([name, inner]) => [name, text(inner)]));
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

const TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3})([+-]\d{2}):?(\d{2})$/;

/** `2026-11-29T21:03:41.238+0000` to Unix milliseconds. */
function millisOf(value: unknown): number | undefined {
  const match = TIME.exec(text(value));
  if (match === null) return undefined;
  const millis = Date.parse(`${match[1]}${match[2]}:${match[3]}`);
  return Number.isNaN(millis) ? undefined : millis;
}
