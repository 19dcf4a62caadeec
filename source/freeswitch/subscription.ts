import type { ParkSource } from './freeswitch-names.ts';

const EVENTS = [
  'CHANNEL_CREATE',
  'CHANNEL_PROGRESS',
  'CHANNEL_PROGRESS_MEDIA',
  'CHANNEL_ANSWER',
  'CHANNEL_BRIDGE',
  'CHANNEL_UNBRIDGE',
  'CHANNEL_HOLD',
  'CHANNEL_UNHOLD',
  'CHANNEL_DESTROY',
  'CHANNEL_PARK',
  'CHANNEL_UNPARK',
  'CALL_SECURE',
  'DTMF',
  'DETECTED_TONE',
  'RECORD_START',
  'RECORD_STOP',
  'HEARTBEAT',
] as const;

const SUBCLASSES = [
  'valet_parking::info',
  'sofia::transferor',
  'sofia::transferee',
  'sofia::replaced',
  'sofia::intercepted',
  'loopback::bowout',
  'loopback::direct',
] as const;

const OF_PARK: ReadonlySet<string> = new Set(['CHANNEL_PARK', 'CHANNEL_UNPARK']);
const OF_VALET: ReadonlySet<string> = new Set(['valet_parking::info']);

/**
 * What is subscribed to, in the form of the command `event json` and of a directory user's `esl-allowed-events`: what
 * follows CUSTOM are subclasses. Never ALL: a client that stalls takes the switch's memory.
 */
export function subscribedEvents(park: ParkSource): string {
  const events = EVENTS.filter((name) => park !== 'None' || !OF_PARK.has(name));
  const subclasses = SUBCLASSES.filter((name) => park === 'Valet' || !OF_VALET.has(name));
  return [...events, 'CUSTOM', ...subclasses].join(' ');
}
