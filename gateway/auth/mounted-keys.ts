import { followFile } from '../../runtime/files/follow-file.ts';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { keyRing, SigningKeyFault, type KeyRing } from './signing-keys.ts';
import { unreadable } from '../../runtime/files/text-file.ts';

export interface MountedKeysOptions {
  /** A JSON array of private JWKs; the first one signs. */
  readonly path: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly intervalMs?: number;
}

/**
 * Follows a file of keys that another process rotates: the returned ring is always the one in force. A faulty file
 * leaves the last good ring in force. Rejects with a ConfigurationFault when the first content is faulty.
 */
export async function followKeyRing(options: MountedKeysOptions): Promise<KeyRing> {
  const { path, logger, signal, intervalMs } = options;
  let ring: KeyRing | null = null;
  try {
    await followFile(path, {
      signal,
      ...(intervalMs !== undefined && { intervalMs }),
      async onContent(text) {
        ring = await keyRing(parse(text, path));
        logger.info({ path, kid: ring.kid, keys: ring.verifyKeys.size }, 'the signing keys are in force');
      },
      onError: (error) =>
        logger.error({ path }, `the signing keys are invalid; the last good ones stay in force: ${wordsOf(error)}`),
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ConfigurationFault([`FIREHOSE_SIGNING_KEYS_FILE: ${path}: ${wordsOf(error)}`]);
  }
  const current = (): KeyRing => {
    if (ring === null) throw new Error('unreachable: the first content was awaited');
    return ring;
  };
  return {
    get algorithm() {
      return current().algorithm;
    },
    get kid() {
      return current().kid;
    },
    get signKey() {
      return current().signKey;
    },
    get verifyKeys() {
      return current().verifyKeys;
    },
    get material() {
      return current().material;
    },
    get jwks() {
      return current().jwks;
    },
  };
}

function parse(text: string, path: string): readonly unknown[] {
  let keys: unknown;
  try {
    keys = JSON.parse(text);
  } catch {
    keys = null;
  }
  if (!Array.isArray(keys)) throw new SigningKeyFault(`${path} is not a JSON array of JWKs`);
  return keys;
}

/** A SigningKeyFault repeats no content; of other errors only the code is kept. */
function wordsOf(error: unknown): string {
  if (error instanceof SigningKeyFault) return error.message;
  return unreadable(error);
}
