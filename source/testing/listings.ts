import { readAmiListing, readAriListing } from '../asterisk/asterisk-listing.ts';
import { text } from '../legs/event-body.ts';
import type { ListedLeg, SwitchEvent } from '../mapper.ts';
import type { RecordedEvent } from './recordings.ts';

/** The legs that FreeSWITCH would list after these events: `uuid_dump` has the fields of a leg's events. */
export function freeswitchListing(events: readonly RecordedEvent[]): ListedLeg[] {
  const legs = new Map<string, SwitchEvent>();
  let core: unknown;
  for (const { event } of events) {
    const id = text(event['Unique-ID']);
    if (event['Core-UUID'] !== core) legs.clear();
    core = event['Core-UUID'];
    const name = event['Event-Name'];
    if (name === 'CHANNEL_DESTROY') legs.delete(id);
    else if (name === 'CHANNEL_CREATE') legs.set(id, event);
    else if (legs.has(id)) legs.set(id, { ...legs.get(id), ...event });
  }
  return [...legs].map(([id, event]) => ({ id, event: { ...event, 'Event-Name': 'CHANNEL_DATA' } }));
}

/** The channels that Asterisk would list after these events, with their bridges. */
export function asteriskListing(asterisk: 'AMI' | 'ARI', events: readonly RecordedEvent[]): readonly ListedLeg[] {
  return asterisk === 'AMI' ? amiListing(events) : ariListing(events);
}

function amiListing(events: readonly RecordedEvent[]): readonly ListedLeg[] {
  const channels = new Map<string, SwitchEvent>();
  const bridges = new Map<string, SwitchEvent>();
  for (const { event } of events) {
    const id = text(event['Uniqueid']);
    if (event['Event'] === 'Newchannel' || channels.has(id)) channels.set(id, event);
    if (event['Event'] === 'BridgeEnter') bridges.set(id, event);
    if (event['Event'] === 'BridgeLeave' && bridges.get(id)?.['BridgeUniqueid'] === event['BridgeUniqueid']) {
      bridges.delete(id);
    }
    if (event['Event'] === 'Hangup') channels.delete(id);
  }
  return readAmiListing(
    [...channels].map(([id, event]) => ({
      ...event,
      Event: 'CoreShowChannel',
      BridgeId: bridges.get(id)?.['BridgeUniqueid'] ?? '',
      Application: APPLICATIONS[text(bridges.get(id)?.['BridgeType'])] ?? 'Dial',
    })),
  );
}

const APPLICATIONS: Readonly<Record<string, string>> = { base: 'ConfBridge', parking: 'Park', holding: 'BridgeWait' };

function ariListing(events: readonly RecordedEvent[]): readonly ListedLeg[] {
  const channels = new Map<string, SwitchEvent>();
  const bridges = new Map<string, { bridge: SwitchEvent; members: Set<string> }>();
  for (const { event } of events) {
    const channel = event['channel'] as SwitchEvent | undefined;
    const id = text(channel?.['id']);
    if (channel !== undefined && (event['type'] === 'ChannelCreated' || channels.has(id))) channels.set(id, channel);
    if (event['type'] === 'ChannelDestroyed') channels.delete(id);
    const bridge = event['bridge'] as SwitchEvent | undefined;
    const bridgeId = text(bridge?.['id']);
    if (bridge === undefined) continue;
    const state = bridges.get(bridgeId) ?? { bridge, members: new Set<string>() };
    bridges.set(bridgeId, state);
    if (event['type'] === 'ChannelEnteredBridge') state.members.add(id);
    if (event['type'] === 'ChannelLeftBridge') state.members.delete(id);
    if (event['type'] === 'BridgeDestroyed') bridges.delete(bridgeId);
  }
  return readAriListing(
    [...channels.values()],
    [...bridges.values()].map(({ bridge, members }) => ({ ...bridge, channels: [...members] })),
  );
}
