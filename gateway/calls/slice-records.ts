import { decodeCall, encodedName, nameInText, type CallRecord } from '../../protocol/call.ts';

/**
 * The records of a slice. They are decoded when they are read: a hundred thousand of them as objects would stop the
 * process for tens of milliseconds whenever memory is collected.
 */
export interface SliceRecords extends Iterable<CallRecord> {
  /** Including records that cannot be read. */
  readonly length: number;
  /** The `encodedName` of a record's leg; empty for a record that cannot be read. */
  name(at: number): string;
  /** Null for a record of a version that cannot be read: the next event of its leg writes it again. */
  get(at: number): CallRecord | null;
}

/** Records that are objects already. */
export function plainRecords(records: readonly CallRecord[]): SliceRecords {
  const get = (at: number) => records[at] ?? null;
  return { length: records.length, name: (at) => nameOf(get(at)), get, [Symbol.iterator]: () => records.values() };
}

const LINE_FEED = 0x0a;

/** Records as Redis has them: one on each line. */
export class EncodedRecords implements SliceRecords {
  readonly #text: Buffer;
  /** Where each line ends. */
  readonly #ends: number[] = [];

  constructor(text: Buffer) {
    this.#text = text;
    for (let from = 0; from < text.length;) {
      const found = text.indexOf(LINE_FEED, from);
      const end = found < 0 ? text.length : found;
      this.#ends.push(end);
      from = end + 1;
    }
  }

  get length(): number {
    return this.#ends.length;
  }

  name(at: number): string {
    return nameInText(this.#text, this.#from(at), this.#ends[at] ?? 0) ?? nameOf(this.get(at));
  }

  get(at: number): CallRecord | null {
    return decodeCall(this.#text.toString('utf8', this.#from(at), this.#ends[at]));
  }

  *[Symbol.iterator](): Generator<CallRecord> {
    for (let at = 0; at < this.length; at += 1) {
      const record = this.get(at);
      if (record !== null) yield record;
    }
  }

  #from(at: number): number {
    return at === 0 ? 0 : (this.#ends[at - 1] ?? 0) + 1;
  }
}

function nameOf(record: CallRecord | null): string {
  return record === null ? '' : encodedName({ account: record.account_id, callId: record.call_id });
}
