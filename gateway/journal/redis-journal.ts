import { setTimeout as delay } from 'node:timers/promises';
import { resourceKeys } from '../../protocol/keys.ts';
import { splitId } from '../../protocol/position.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { decodeEntry, encodeEntry, type JournalEntry } from './entry.ts';
import { KeptEntries } from './kept-entries.ts';
import { JournalUnavailable, type Journal, type JournalRead } from './journal.ts';

export interface RedisJournalOptions {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  readonly replica: string;
  readonly logger: Logger;
}

const FIELD = 'e';
const MOST_ENTRIES = 100_000;
const KEPT_MS = 7 * 86_400_000;
/** Most entries that wait for Redis. */
const MOST_WAITING = 5_000;
const FLUSH_MS = 200;
/** So many entries take Redis a third of a millisecond. */
const IN_A_FLUSH = 100;
const FORGET_EVERY_MS = 600_000;
/** How long the gateway waits at its end for the last sessions' entries. */
const LAST_FLUSH_MS = 1_000;

/** One command for many entries: each command of the client costs more memory than the entry in it. */
const APPEND = defineScript(`
local most, oldest, kept = ARGV[1], ARGV[2], ARGV[3]
for at = 4, #ARGV do redis.call('XADD', KEYS[1], 'MAXLEN', '~', most, '*', '${FIELD}', ARGV[at]) end
if oldest ~= '' then
  redis.call('XTRIM', KEYS[1], 'MINID', '~', oldest)
  redis.call('PEXPIRE', KEYS[1], kept)
end`);

/** One stream of the resource to which all replicas add. Entries that Redis refuses are counted and lost. */
export class RedisJournal implements Journal {
  readonly now = Date.now;
  readonly counters = { written: 0, dropped: 0 };
  readonly replica: string;
  readonly #options: RedisJournalOptions;
  readonly #key: string;
  readonly #kept: KeptEntries;
  /** In their stored form, which is the smallest: with many new connections at once, thousands wait. */
  #waiting: string[] = [];
  #isFlushDue = false;
  #forgotAt = 0;
  #failing = '';

  constructor(options: RedisJournalOptions) {
    this.#options = options;
    this.replica = options.replica;
    this.#key = resourceKeys(options.keyPrefix, options.resource).journal;
    this.#kept = new KeptEntries(options.client, this.#key);
  }

  note(entry: JournalEntry): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.counters.dropped += 1;
      return;
    }
    this.#waiting.push(encodeEntry(entry));
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    void this.#flushSoon();
  }

  async read(isMeant: (text: string) => boolean): Promise<JournalRead> {
    await this.#flush();
    try {
      const { texts, first } = await this.#kept.matching(isMeant);
      const entries = texts.map(decodeEntry).filter((entry) => entry !== null);
      return { entries, since: first === null ? null : splitId(first)[0] };
    } catch (error) {
      const code = redisErrorCode(error);
      if (code === 'UNKNOWN') throw error;
      throw new JournalUnavailable(code, { cause: error });
    }
  }

  /** Settles when Redis has, or has refused, what was noted so far. Never rejects. */
  flushed(): Promise<void> {
    return this.#flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.race([this.#flush(), delay(LAST_FLUSH_MS, undefined, { ref: false })]);
  }

  async #flushSoon(): Promise<void> {
    await delay(FLUSH_MS, undefined, { ref: false });
    this.#isFlushDue = false;
    await this.#flush();
  }

  /** Never rejects. */
  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, IN_A_FLUSH);
      try {
        await this.#write(batch);
        this.counters.written += batch.length;
        this.#failing = '';
      } catch (error) {
        this.counters.dropped += batch.length;
        this.#failed(redisErrorCode(error));
      }
    }
  }

  async #write(texts: readonly string[]): Promise<void> {
    const { client } = this.#options;
    const now = Date.now();
    const isForgetting = now - this.#forgotAt > FORGET_EVERY_MS;
    if (isForgetting) this.#forgotAt = now;
    const limits = [String(MOST_ENTRIES), isForgetting ? String(now - KEPT_MS) : '', String(KEPT_MS)];
    await runScript(client, APPEND, { keys: [this.#key], args: [...limits, ...texts] });
  }

  /** One line for each reason and outage. */
  #failed(code: string): void {
    if (code === this.#failing) return;
    this.#failing = code;
    this.#options.logger.warn({ code }, 'the session journal cannot be written: entries are lost, delivery goes on');
  }
}
