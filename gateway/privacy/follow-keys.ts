import { readPseudonymKeys, type PseudonymKey } from '../../protocol/pseudonym-keys.ts';
import { followFile } from '../../runtime/files/follow-file.ts';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import { createLive, type Live, type LiveValue } from '../../runtime/lifecycle/live.ts';
import type { Logger } from '../../runtime/logging/logger.ts';

export interface FollowKeysOptions {
  readonly path: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly intervalMs?: number;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/**
 * Follows a file of pseudonym keys. A faulty file leaves the last good keys in force. Rejects with a ConfigurationFault
 * when the first content is faulty: pseudonyms by another key would match nothing.
 */
export async function followPseudonymKeys(options: FollowKeysOptions): Promise<Live<readonly PseudonymKey[]>> {
  const { path, logger, signal, intervalMs, now = Date.now } = options;
  let live: LiveValue<readonly PseudonymKey[]> | null = null;
  try {
    await followFile(path, {
      signal,
      ...(intervalMs !== undefined && { intervalMs }),
      onContent(text) {
        const read = readPseudonymKeys(text);
        if (!read.ok) throw new KeysFault(read.fault);
        if (live === null) live = createLive(read.keys);
        else {
          tellLate(read.keys, live.current, { logger, path, now: now() });
          live.set(read.keys);
        }
        logger.info({ path, ids: read.keys.map(({ id }) => id) }, 'the keys of pseudonyms are in force');
      },
      onError: (error) =>
        logger.error(
          { path },
          `the keys of pseudonyms are invalid; the last good ones stay in force: ${wordsOf(error)}`,
        ),
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ConfigurationFault([`FIREHOSE_PSEUDONYM_KEYS_FILE: ${path}: ${wordsOf(error)}`]);
  }
  if (live === null) throw new Error('unreachable: the first content was awaited');
  return live;
}

/** Replicas read the file at different moments: all must have a key before its start time. */
function tellLate(
  keys: readonly PseudonymKey[],
  before: readonly PseudonymKey[],
  { logger, path, now }: { readonly logger: Logger; readonly path: string; readonly now: number },
): void {
  const known = new Set(before.map(({ id }) => id));
  for (const { id, from } of keys) {
    if (!known.has(id) && from <= now)
      logger.warn(
        { path, id },
        'a pseudonym key arrived after its start time: events since then have pseudonyms of the previous key',
      );
  }
}

/** Repeats nothing of the content. */
class KeysFault extends Error {
  override readonly name = 'KeysFault';
  readonly code = 'pseudonym_keys_invalid';
}

function wordsOf(error: unknown): string {
  if (error instanceof KeysFault) return error.message;
  return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
}
