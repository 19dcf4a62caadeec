import { text, wholeNumber } from '../legs/event-body.ts';
import type { ListedLeg, SwitchEvent } from '../mapper.ts';
import { channelOf as amiChannel } from './read-ami.ts';
import { channelOf as ariChannel } from './read-ari.ts';
import type { Bridge, Channel } from './step.ts';

/** What a listing says of one channel. */
export interface ListedChannel {
  readonly channel: Channel;
  readonly bridge: Bridge | null;
}

/** The legs in the events of `CoreShowChannels`. */
export function readAmiListing(events: readonly SwitchEvent[]): ListedLeg[] {
  return events
    .filter((event) => event['Event'] === 'CoreShowChannel')
    .map((event) => ({ id: text(event['Uniqueid']), event }));
}

/** The legs in `GET /ari/channels`, with their bridges from `GET /ari/bridges`. */
export function readAriListing(channels: unknown, bridges: unknown): ListedLeg[] {
  const bridgeOf = new Map<string, SwitchEvent>();
  for (const bridge of recordsOf(bridges)) {
    const members = bridge['channels'];
    if (Array.isArray(members)) for (const member of members) bridgeOf.set(text(member), bridge);
  }
  return recordsOf(channels).map((channel) => {
    const id = text(channel['id']);
    const bridge = bridgeOf.get(id);
    return { id, event: { channel, ...(bridge !== undefined && { bridge }) } };
  });
}

/** Applications in AMI's listing whose bridge is not a call's. The listing lacks the bridge's type. */
const OTHER_BRIDGES: ReadonlySet<string> = new Set([
  'ConfBridge',
  'Park',
  'ParkAndAnnounce',
  'MeetMe',
  'BridgeWait',
  'Stasis',
]);

export function readListed(asterisk: 'AMI' | 'ARI', event: SwitchEvent): ListedChannel | null {
  if (asterisk === 'ARI') {
    const channel = ariChannel(event['channel']);
    const bridge = event['bridge'] as SwitchEvent | undefined;
    return channel === null
      ? null
      : {
          channel,
          bridge: bridge === undefined ? null : { id: text(bridge['id']), kind: text(bridge['bridge_class']) },
        };
  }
  const channel = amiChannel(event, '');
  if (channel === null) return null;
  const id = text(event['BridgeId']);
  const kind = OTHER_BRIDGES.has(channel.application) ? 'other' : 'basic';
  return { channel, bridge: id === '' ? null : { id, kind } };
}

const MADE_BY_ASTERISK = /(?:^|-)(\d{9,10})\.\d+$/;

/** Start of a channel in Unix microseconds: its own value, else the second in its id. */
export function createdAtOf({ id, createdAt }: Channel): number | undefined {
  if (createdAt !== undefined) return createdAt;
  const second = wholeNumber(MADE_BY_ASTERISK.exec(id)?.[1]);
  return second === undefined ? undefined : second * 1_000_000;
}

function recordsOf(value: unknown): SwitchEvent[] {
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  return items.filter((item): item is SwitchEvent => typeof item === 'object' && item !== null && !Array.isArray(item));
}
