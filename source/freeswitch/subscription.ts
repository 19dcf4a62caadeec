import { BY_SUBCLASS, SAME_NAMES, type ParkSource } from './freeswitch-names.ts';

const EVENTS: readonly string[] = [...SAME_NAMES, 'CHANNEL_PARK', 'CHANNEL_UNPARK', 'HEARTBEAT'];
/** `loopback::bowout` says that a leg of a loopback pair ends before its call. */
const SUBCLASSES: readonly string[] = ['valet_parking::info', ...Object.keys(BY_SUBCLASS), 'loopback::bowout'];

const OF_PARK: ReadonlySet<string> = new Set(['CHANNEL_PARK', 'CHANNEL_UNPARK']);
const OF_VALET: ReadonlySet<string> = new Set(['valet_parking::info']);

/**
 * The subscription, in the form of the command `event json` and of a directory user's `esl-allowed-events`: the words
 * after CUSTOM are subclasses. Never ALL: a client that stalls then uses up the switch's memory.
 */
export function subscribedEvents(park: ParkSource): string {
  const events = EVENTS.filter((name) => park !== 'None' || !OF_PARK.has(name));
  const subclasses = SUBCLASSES.filter((name) => park === 'Valet' || !OF_VALET.has(name));
  return [...events, 'CUSTOM', ...subclasses].join(' ');
}
