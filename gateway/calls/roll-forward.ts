import { changesNothing, reduceCall } from '../../protocol/call-state.ts';
import { encodedName, type CallRecord } from '../../protocol/call.ts';
import { BEFORE_EVERYTHING, compareIds } from '../../protocol/position.ts';
import type { LegEntry } from './leg-event.ts';
import type { SliceRecords } from './slice-records.ts';

/** Records of one slice, and the entry up to which they are true. */
export interface SliceRead {
  readonly id: string;
  readonly records: SliceRecords;
}

/** A decoded record is kept for the next reader of the same legs, unless there are more than this. */
const KEPT = 10_000;

/**
 * Combines slices, each read at another place, into the legs at one place. A leg of a slice gets the entries after that
 * slice. A leg of no slice gets all of the entries, from nothing: it began after the start of reading, or had ended when
 * its slice was read, and then its end is among the entries. Does no I/O.
 */
export class Legs implements Iterable<CallRecord> {
  readonly #slices: SliceRead[] = [];
  /** Whether legs have places: a single slice without entries needs none. */
  #hasPlaces = false;
  /** Number of slices whose legs have one. */
  #placed = 0;
  /** By name. */
  readonly #places = new Map<string, number>();
  /** Of each place: its slice, and the index in it. Plain numbers, since the collector need not follow them. */
  readonly #slice: number[] = [];
  readonly #index: number[] = [];
  /** What entries made of legs, by place; null: ended. */
  readonly #changed = new Map<number, CallRecord | null>();
  #ended = 0;
  readonly #decoded: (CallRecord | null | undefined)[] = [];

  /** The number of legs; records that cannot be read count too. */
  get length(): number {
    return this.#size - this.#ended;
  }

  /** A leg that two slices have is that of the later one: a scan may give a leg twice. */
  add(slice: SliceRead): void {
    this.#slices.push(slice);
    if (this.#slices.length > 1) this.#place();
  }

  /** `entries`: from the place where reading began. `ended`: entry ids of synthetic ends, by `legKey`. */
  apply(entries: readonly LegEntry[], ended: ReadonlyMap<string, string>): void {
    if (entries.length > 0) this.#place();
    for (const entry of entries) {
      const { id } = entry;
      const name = encodedName(entry);
      const place = this.#places.get(name);
      const readAt = this.#slices[this.#slice[place ?? -1] ?? -1]?.id ?? BEFORE_EVERYTHING;
      if (compareIds(id, readAt) <= 0) continue;
      const record = (place === undefined ? null : this.#recordAt(place)) ?? undefined;
      const endedAt = ended.get(entry.key);
      if (record === undefined && endedAt !== undefined && compareIds(id, endedAt) > 0) continue;
      const event = changesNothing(record, entry) ? null : entry.read();
      const after = event === null ? undefined : reduceCall(record, event);
      if (after !== undefined) this.#change(place ?? this.#newPlace(name), after);
    }
  }

  *[Symbol.iterator](): Generator<CallRecord> {
    for (let place = 0, size = this.#size; place < size; place += 1) {
      const record = this.#recordAt(place);
      if (record !== null) yield record;
    }
  }

  get #size(): number {
    return this.#hasPlaces ? this.#slice.length : (this.#slices[0]?.records.length ?? 0);
  }

  #place(): void {
    this.#hasPlaces = true;
    for (; this.#placed < this.#slices.length; this.#placed += 1) {
      const records = this.#slices[this.#placed]?.records;
      for (let index = 0; index < (records?.length ?? 0); index += 1) {
        const name = records?.name(index) ?? '';
        const place = this.#places.get(name) ?? this.#newPlace(name);
        this.#slice[place] = this.#placed;
        this.#index[place] = index;
      }
    }
  }

  /** Of a leg that no slice has, as long as none is set. */
  #newPlace(name: string): number {
    const place = this.#slice.push(-1) - 1;
    this.#index.push(-1);
    this.#places.set(name, place);
    return place;
  }

  #change(place: number, record: CallRecord | null): void {
    if (this.#changed.get(place) === null) this.#ended -= 1;
    if (record === null) this.#ended += 1;
    this.#changed.set(place, record);
  }

  #recordAt(place: number): CallRecord | null {
    const known = this.#changed.has(place) ? this.#changed.get(place) : this.#decoded[place];
    if (known !== undefined) return known;
    const slice = this.#hasPlaces ? (this.#slice[place] ?? -1) : 0;
    const index = this.#hasPlaces ? (this.#index[place] ?? -1) : place;
    const record = this.#slices[slice]?.records.get(index) ?? null;
    if (this.#size <= KEPT) this.#decoded[place] = record;
    return record;
  }
}
