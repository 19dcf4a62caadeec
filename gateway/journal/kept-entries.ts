import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RedisClient } from '../../runtime/redis/client.ts';

/** Entries of the stream that are read or looked through at a time: the event loop serves others in between. */
const PAGE = 2_000;
/** How long entries are kept after a question: an operator usually asks several. */
const KEPT_MS = 60_000;

interface KeptEntry {
  readonly id: string;
  readonly text: string;
}

/**
 * The texts of a stream of entries, read from Redis once and then from its newest end on. A full journal has about 35 MB, which this
 * holds for a minute after the last question.
 */
export class KeptEntries {
  readonly #client: RedisClient;
  readonly #key: string;
  #kept: KeptEntry[] = [];
  #reading: Promise<void> | null = null;
  #forgetting: NodeJS.Timeout | undefined;

  constructor(client: RedisClient, key: string) {
    this.#client = client;
    this.#key = key;
  }

  /** The texts that match, oldest first; the id of the oldest entry, or null. Rejects with the client's error. */
  async matching(
    isMeant: (text: string) => boolean,
  ): Promise<{ readonly texts: string[]; readonly first: string | null }> {
    // A read that began earlier may lack what was just written.
    while (this.#reading !== null) await this.#reading.catch(() => undefined);
    this.#reading = this.#catchUp().finally(() => (this.#reading = null));
    await this.#reading;
    const kept = this.#kept;
    const texts: string[] = [];
    for (let begin = 0; begin < kept.length; begin += PAGE) {
      if (begin > 0) await nextTurn();
      for (const { text } of kept.slice(begin, begin + PAGE)) if (isMeant(text)) texts.push(text);
    }
    clearTimeout(this.#forgetting);
    this.#forgetting = setTimeout(() => (this.#kept = []), KEPT_MS).unref();
    return { texts, first: kept[0]?.id ?? null };
  }

  /** Reads what is newer, and drops what the stream no longer has. Another stream under the key is read as a whole. */
  async #catchUp(): Promise<void> {
    const [first] = await this.#client.xrange(this.#key, '-', '+', 'COUNT', 1);
    const at =
      first === undefined ? -1 : this.#kept.findIndex(({ id, text }) => id === first[0] && text === first[1][1]);
    const kept = at < 0 ? [] : this.#kept.slice(at);
    while (true) {
      const last = kept.at(-1);
      const page = await this.#client.xrange(this.#key, last === undefined ? '-' : `(${last.id}`, '+', 'COUNT', PAGE);
      for (const [id, fields] of page) kept.push({ id, text: fields[1] ?? '' });
      if (page.length < PAGE) break;
    }
    this.#kept = kept;
  }
}
