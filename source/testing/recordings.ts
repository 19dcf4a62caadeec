import { readdirSync, readFileSync } from 'node:fs';
import { createAsteriskMapper } from '../asterisk/asterisk-mapper.ts';
import { readCaptureLine } from '../capture/read-line.ts';
import { createFreeswitchMapper } from '../freeswitch/freeswitch-mapper.ts';
import type { ListedLeg, Mapper, MappedEvent, SwitchEvent } from '../mapper.ts';
import { defaultMappingOptions, type MappingOptions } from '../mapping-options.ts';
import { asteriskListing, freeswitchListing } from './listings.ts';

export interface RecordedEvent {
  readonly event: SwitchEvent;
  /** Unix milliseconds. */
  readonly received: number;
}

export interface Recording {
  /** Folder and file: `asterisk-22/ami/no_answer`. */
  readonly name: string;
  readonly events: readonly RecordedEvent[];
  readonly mapper: (options?: Partial<MappingOptions>) => Mapper;
  /** The switch's listing after the first `count` events. */
  readonly listing: (count: number) => readonly ListedLeg[];
}

const ROOT = new URL('../fixtures/recordings/', import.meta.url);

/** All recordings of real switches. */
export function recordings(): readonly Recording[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ndjson'))
    .toSorted()
    .map((file) => recording(file.slice(0, -'.ndjson'.length)));
}

export function recording(name: string): Recording {
  const lines = readFileSync(new URL(`${name}.ndjson`, ROOT), 'utf8').split('\n');
  const events = lines.flatMap((line) => {
    const read = readCaptureLine(Buffer.from(line));
    return read.kind === 'event' ? [{ event: read.event, received: read.received ?? 0 }] : [];
  });
  if (name.startsWith('freeswitch')) {
    return {
      name,
      events,
      mapper: (options) => createFreeswitchMapper({ ...defaultMappingOptions(), park: 'Valet', ...options }),
      listing: (count) => freeswitchListing(events.slice(0, count)),
    };
  }
  const asterisk = name.includes('/ami/') ? 'AMI' : 'ARI';
  return {
    name,
    events,
    mapper: (options) =>
      createAsteriskMapper({ ...defaultMappingOptions(), endpoint: 'pbx1', interface: asterisk, ...options }),
    listing: (count) => asteriskListing(asterisk, events.slice(0, count)),
  };
}

/** The mapped events, up to the last that waited. */
export function mapAll(mapper: Mapper, events: readonly RecordedEvent[]): MappedEvent[] {
  const mapped = events.flatMap(({ event, received }) => mapper.feed(event, received).events);
  return [...mapped, ...mapper.advance(Infinity)];
}

/** The events of each leg, in their order. */
export function byLeg(events: readonly MappedEvent[]): ReadonlyMap<string, readonly MappedEvent[]> {
  return Map.groupBy(events, ({ callId }) => callId);
}
