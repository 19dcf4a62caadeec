import { sliceMembers, trimJson } from '../../event-log/intake/json-slice.ts';
import { createAsteriskMapper } from '../asterisk/asterisk-mapper.ts';
import { createFreeswitchMapper } from '../freeswitch/freeswitch-mapper.ts';
import type { ParkSource } from '../freeswitch/freeswitch-names.ts';
import { createKazooMapper } from '../kazoo/kazoo-mapper.ts';
import type { Drop, Mapped, MappedEvent } from '../mapper.ts';
import type { MappingOptions } from '../mapping-options.ts';
import type { CaptureKind } from './capture-kinds.ts';
import { eventTime } from './event-time.ts';
import type { CaptureItem } from './capture-item.ts';
import { readCapture } from './read-capture.ts';
import type { CaptureLine } from './read-line.ts';

export interface CaptureOptions extends MappingOptions {
  readonly kind: CaptureKind;
  readonly park: ParkSource;
  readonly endpoint: string;
}

/** The result for one line of a capture. `live`: at the end of the capture, the legs without an end. */
export type CaptureStep =
  | { readonly kind: 'mapped'; readonly events: readonly MappedEvent[]; readonly dropped: Drop | null }
  | { readonly kind: 'fault'; readonly place: string; readonly detail: string }
  | { readonly kind: 'end'; readonly events: readonly MappedEvent[]; readonly live: readonly string[] };

type EventLine = CaptureLine & { kind: 'event' };

/** Maps a capture, line by line. Never throws because of the capture's content. */
export async function* mapCapture(options: CaptureOptions, chunks: AsyncIterable<Buffer>): AsyncGenerator<CaptureStep> {
  const mapper = createCaptureMapper(options);
  let now = 0;
  for await (const item of readCapture(options.kind, chunks)) {
    const { line, place } = item;
    if (line.kind === 'fault') yield { kind: 'fault', place, detail: line.detail };
    if (line.kind !== 'event') continue;
    now = line.received ?? eventTime(options.kind, line.event) ?? now;
    yield { kind: 'mapped', ...mapper.feed(line, item, now) };
  }
  yield { kind: 'end', events: mapper.advance(Infinity), live: mapper.liveLegs() };
}

interface CaptureMapper {
  feed(line: EventLine, item: CaptureItem, now: number): Mapped;
  advance(now: number): readonly MappedEvent[];
  liveLegs(): readonly string[];
}

function createCaptureMapper(options: CaptureOptions): CaptureMapper {
  if (options.kind === 'kazoo') {
    const mapper = createKazooMapper(options);
    return {
      feed: (line, item, now) => mapper.feed({ routingKey: line.routingKey, body: bodyOf(line, item) }, now),
      advance: (now) => mapper.advance(now),
      liveLegs: () => mapper.liveLegs(),
    };
  }
  const mapper =
    options.kind === 'freeswitch'
      ? createFreeswitchMapper(options)
      : createAsteriskMapper({ ...options, interface: options.kind === 'asterisk-ami' ? 'AMI' : 'ARI' });
  return {
    feed: (line, _, now) => mapper.feed(line.event, now),
    advance: (now) => mapper.advance(now),
    liveLegs: () => mapper.liveLegs(),
  };
}

/** The bytes of a bus message, unchanged from the capture. */
function bodyOf(line: EventLine, { bytes }: CaptureItem): Buffer {
  if (line.body !== undefined) return Buffer.from(line.body);
  const text = trimJson(bytes ?? Buffer.alloc(0));
  if (line.isBare) return text;
  // Like JSON.parse: of a repeated key, the last value counts.
  return sliceMembers(text).findLast(({ key }) => key === line.bodyKey)?.value ?? text;
}
