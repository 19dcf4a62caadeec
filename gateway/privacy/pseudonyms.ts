import { createHmac } from 'node:crypto';
import { keyAt, type PseudonymKey } from '../../protocol/pseudonym-keys.ts';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Pseudonym } from './hide.ts';

export interface PseudonymOptions {
  /** Keys that the platform rotates; null: the key of the log. */
  readonly keys: Live<readonly PseudonymKey[]> | null;
  /** Made with the key that is stored beside the log, which all replicas share. */
  readonly ofLog: (text: string) => string;
}

const LENGTH = 16;
/** Number of cached pseudonyms: making one costs more than changing the rest of an event. */
const MOST_REMEMBERED = 100_000;

/**
 * The pseudonyms of one resource, for all its profiles. The event's own time selects the key, so that every replica,
 * replay and delivery of an event has the same pseudonyms, also while the key changes.
 */
export function createPseudonyms({ keys, ofLog }: PseudonymOptions): Pseudonym {
  const remembered = new Map<string, string>();
  // An id may return with another key.
  keys?.onChange(() => remembered.clear());
  return (kind, text, at) => {
    const key = keys === null ? undefined : keyAt(keys.current, at);
    const name = `${kind}${key?.id ?? ''}_${text}`;
    let found = remembered.get(name);
    if (found === undefined) {
      if (remembered.size >= MOST_REMEMBERED) remembered.clear();
      const made = key === undefined ? ofLog(`${kind}:${text}`) : hmac(key, `${kind}:${text}`);
      found = `${kind}${key?.id ?? ''}_${made}`;
      remembered.set(name, found);
    }
    return found;
  };
}

function hmac({ secret }: PseudonymKey, text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url').slice(0, LENGTH);
}
