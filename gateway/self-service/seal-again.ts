import type { OwnRecord } from './record.ts';
import { openSecret, sealedBy, sealSecret, type SealKeys } from './seal-secret.ts';

/** Replicas learn of new signing keys at different times: they must not seal by turns. */
const SEALED_AGAIN_AFTER_MS = 20_000;

/**
 * The record with its secrets sealed by the key in force. Null when they already are, when they were sealed a moment
 * ago, or when the current secret does not open. `of` as for `sealSecret`, `now` in Unix milliseconds. Pure but for the
 * nonces.
 */
export function sealedAgain(
  record: OwnRecord,
  { keys, of, now }: { readonly keys: SealKeys; readonly of: string; readonly now: number },
): OwnRecord | null {
  const texts = [record.secret, ...(record.previous === null ? [] : [record.previous.secret])];
  const isOwed = texts.some((text) => sealedBy(text) !== keys.kid) && now - record.sealedAt > SEALED_AGAIN_AFTER_MS;
  if (!isOwed) return null;
  const again = (text: string) => {
    const opened = openSecret(text, keys, of);
    return opened && sealSecret(opened, keys, of);
  };
  const [secret, previous] = [again(record.secret), record.previous && again(record.previous.secret)];
  if (secret === null) return null;
  const kept = record.previous === null || previous === null ? null : { ...record.previous, secret: previous };
  return { ...record, secret, previous: kept, sealedAt: now };
}
