import { isSourceGap } from '../../protocol/source-gap.ts';
import { BEFORE_EVERYTHING, compareIds, latest } from '../../protocol/position.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import type { Cursors } from '../../event-log/cursor-seal.ts';
import { poisonReason, type PoisonReason } from '../../event-log/poison.ts';
import { frame, payloadsOf, type WholeFrames } from './frames.ts';
import { readSourceGap, type SourceGapNotice } from './source-gap-notice.ts';

/**
 * Entries that are delivered together: one write for each connection. Each event is framed once here, whatever the
 * number of connections. Its payload is copied once, never parsed, and afterwards exists only in the frames.
 */
export interface Round {
  /** Increases by one from round to round; -1 for a round made for one connection from pages of the log. */
  readonly number: number;
  readonly epoch: string;
  /** Position before the first entry and after the last one, one id for each partition. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** By entry: its partition, its id, its meta line. */
  readonly partitions: readonly number[];
  readonly ids: readonly string[];
  readonly metas: readonly string[];
  /** Meta lines of the entries in between that break the format; null for a line that is itself unreadable. */
  readonly poison: readonly (string | null)[];
  /** A gap of a source makes a round of its own, so that it is reported at its place. */
  readonly sourceGap: SourceGapNotice | null;
  readonly plain: WholeFrames;
  /** Other texts, by name: each event is made in one when the first view needs it (F1). */
  readonly forms: Map<string, (Buffer | undefined)[]>;
  /**
   * By the name of the text: frames that are compressed by themselves, each made at the first request of a connection.
   */
  readonly selfContained: Map<string, (Buffer | undefined)[]>;
  /** Total size of these texts and frames in bytes. */
  madeBytes: number;
  /** Called with the size of texts and frames when they are made. */
  holder: Holder | null;
  /** Seals the cursors of its events. */
  readonly cursors: Pick<Cursors, 'seal' | 'pseudonym'>;
  /** Objects that hold a Buffer made from the round; they are released with the round. */
  readonly sealedBy: Set<Sealer>;
}

interface Sealer {
  unseal(): void;
}

interface Holder {
  grew(bytes: number): void;
}

export interface RoundOrigin {
  readonly number: number;
  readonly epoch: string;
  readonly from: readonly string[];
  readonly cursors: Pick<Cursors, 'seal' | 'pseudonym'>;
  /** Called with each entry that cannot be delivered. */
  readonly onPoison?: (entry: StoredEntry, reason: PoisonReason) => void;
}

/** Most payload bytes of a round: one write for each connection. A single larger event makes a round of its own. */
const ROUND_BYTES = 256 * 1024;

/** Most deliveries of a round, about a tenth of a second of writing: no other work gets a turn for this long. */
const ROUND_DELIVERIES = 512 * 1024;

/**
 * Cuts entries, in order, into as few rounds as possible for this number of connections, of about equal length, because
 * each is a write. A gap of a source is a round of its own.
 */
export function* batchesOf(entries: readonly StoredEntry[], connections = 1): Iterable<readonly StoredEntry[]> {
  const most = Math.max(1, Math.floor(ROUND_DELIVERIES / Math.max(1, connections)));
  let bytesLeft = 0;
  for (const { data } of entries) bytesLeft += data.length;
  let start = 0;
  while (start < entries.length) {
    const rounds = Math.max(1, Math.ceil(bytesLeft / ROUND_BYTES), Math.ceil((entries.length - start) / most));
    const { end, bytes } = oneBatch(entries, { start, most, share: bytesLeft / rounds });
    yield start === 0 && end === entries.length ? entries : entries.slice(start, end);
    start = end;
    bytesLeft -= bytes;
  }
}

/** Up to the entry that fills the share of a round; at least one entry. */
function oneBatch(
  entries: readonly StoredEntry[],
  { start, most, share }: { readonly start: number; readonly most: number; readonly share: number },
): { end: number; bytes: number } {
  let end = start;
  let bytes = 0;
  if (isGapAt(entries, start)) return { end: start + 1, bytes: entries[start]?.data.length ?? 0 };
  while (end < entries.length && end - start < most && (end === start || bytes < share)) {
    const { length } = entries[end]?.data ?? EMPTY;
    if (end > start && (bytes + length > ROUND_BYTES || isGapAt(entries, end))) break;
    bytes += length;
    end += 1;
  }
  return { end, bytes };
}

function isGapAt(entries: readonly StoredEntry[], at: number): boolean {
  const entry = entries[at];
  return entry !== undefined && isSourceGap(entry.meta);
}

const EMPTY = Buffer.alloc(0);

/** The position after these entries. */
export function after(from: readonly string[], entries: readonly StoredEntry[]): string[] {
  const ids = [...from];
  for (const entry of entries) ids[entry.partition] = entry.id;
  return ids;
}

const SOUND: readonly never[] = [];

export function buildRound(origin: RoundOrigin, entries: readonly StoredEntry[]): Round {
  const [first] = entries;
  if (first !== undefined && isSourceGap(first.meta)) return gapRound(origin, first);
  let sound: StoredEntry[] | null = null;
  let poison: (string | null)[] | null = null;
  for (const [index, entry] of entries.entries()) {
    const reason = poisonReason(entry);
    if (reason === null) {
      sound?.push(entry);
      continue;
    }
    sound ??= entries.slice(0, index);
    (poison ??= []).push(reason === 'meta_line' ? null : entry.meta);
    origin.onPoison?.(entry, reason);
  }
  return roundOf(origin, { sound: sound ?? entries, poison: poison ?? SOUND, to: after(origin.from, entries) });
}

/** A gap that cannot be read is poison for every connection. */
function gapRound(origin: RoundOrigin, entry: StoredEntry): Round {
  const sourceGap = readSourceGap(entry, origin.cursors);
  if (sourceGap === null) origin.onPoison?.(entry, 'source_gap');
  const to = after(origin.from, [entry]);
  return roundOf(origin, { sound: SOUND, poison: sourceGap === null ? [null] : SOUND, to, sourceGap });
}

/** A round of entries that were checked before: an entry is checked once, however often it is framed. */
function roundOf(
  { number, epoch, from, cursors }: RoundOrigin,
  {
    sound,
    poison,
    to,
    sourceGap = null,
  }: Pick<Round, 'poison' | 'to'> & Partial<Pick<Round, 'sourceGap'>> & { readonly sound: readonly StoredEntry[] },
): Round {
  return {
    number,
    epoch,
    from,
    to,
    partitions: sound.map(({ partition }) => partition),
    ids: sound.map(({ id }) => id),
    metas: sound.map(({ meta }) => meta),
    poison,
    sourceGap,
    plain: frame(
      sound.map(({ data }) => data),
      null,
    ),
    forms: new Map(),
    selfContained: new Map(),
    madeBytes: 0,
    holder: null,
    cursors,
    sealedBy: new Set(),
  };
}

/**
 * A round without the events that one connection had before it resumed, as a round of its own. Its cursors begin at the
 * connection's position, so that none of them goes back in a partition in which the connection is ahead (I3).
 */
export function withoutDelivered(round: Round, delivered: readonly string[]): Round {
  const payloads = payloadsOf(round.plain);
  const entries: StoredEntry[] = [];
  for (const [index, id] of round.ids.entries()) {
    const partition = round.partitions[index] ?? 0;
    if (compareIds(id, delivered[partition] ?? BEFORE_EVERYTHING) <= 0) continue;
    entries.push({ partition, id, meta: round.metas[index] ?? '', data: payloads[index] ?? Buffer.alloc(0) });
  }
  const from = latest(round.from, delivered);
  return roundOf({ ...round, number: -1, from }, { sound: entries, poison: SOUND, to: after(from, entries) });
}
