import type { SourceSpec } from '../../protocol/source.ts';
import type { SwitchEvent } from '../mapper.ts';

/** What indicates parking: valet_park, CHANNEL_PARK (also sent inside att_xfer), or nothing. */
export type ParkSource = NonNullable<SourceSpec['freeswitch']>['park'];

/** Events with the same name in the catalogue. */
export const SAME_NAMES = [
  'CHANNEL_CREATE',
  'CHANNEL_PROGRESS',
  'CHANNEL_PROGRESS_MEDIA',
  'CHANNEL_ANSWER',
  'CHANNEL_BRIDGE',
  'CHANNEL_UNBRIDGE',
  'CHANNEL_HOLD',
  'CHANNEL_UNHOLD',
  'CHANNEL_DESTROY',
  'CALL_SECURE',
  'DTMF',
  'DETECTED_TONE',
  'RECORD_START',
  'RECORD_STOP',
] as const;
const SAME: ReadonlySet<string> = new Set(SAME_NAMES);

/** Subclasses of CUSTOM with the catalogue's names. */
export const BY_SUBCLASS: Readonly<Record<string, string>> = {
  'sofia::transferor': 'CHANNEL_TRANSFEROR',
  'sofia::transferee': 'CHANNEL_TRANSFEREE',
  'sofia::replaced': 'CHANNEL_REPLACED',
  'sofia::intercepted': 'CHANNEL_INTERCEPTED',
  'loopback::direct': 'CHANNEL_DIRECT',
};

/** The catalogue's name of an event; null when it has none. `parked`: whether its leg is parked now. */
export function catalogueName(event: SwitchEvent, park: ParkSource, parked: boolean): string | null {
  const name = event['Event-Name'];
  if (typeof name !== 'string') return null;
  if (SAME.has(name)) return name;
  if (name === 'CUSTOM') return customName(event, park, parked);
  if (park !== 'Application') return null;
  if (name === 'CHANNEL_PARK') return 'PARK_PARKED';
  if (name !== 'CHANNEL_UNPARK' || !parked) return null;
  return event['Answer-State'] === 'hangup' ? 'PARK_ABANDONED' : 'PARK_RETRIEVED';
}

function customName(event: SwitchEvent, park: ParkSource, parked: boolean): string | null {
  const subclass = event['Event-Subclass'];
  if (typeof subclass !== 'string') return null;
  if (subclass !== 'valet_parking::info') return Object.hasOwn(BY_SUBCLASS, subclass) ? BY_SUBCLASS[subclass]! : null;
  if (park !== 'Valet') return null;
  switch (event['Action']) {
    case 'hold':
      return 'PARK_PARKED';
    case 'bridge':
      return 'PARK_RETRIEVED';
    // Also follows a retrieval: then the leg is no longer parked.
    case 'exit':
      return parked ? 'PARK_ABANDONED' : null;
    default:
      return null;
  }
}
