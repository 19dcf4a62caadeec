import { newKey } from '../../runtime/signing/new-key.ts';
import { durationMs, type Subscription } from '../../protocol/subscription.ts';
import { apiVersionOf, SECRETS, type KubeObject } from '../kubernetes/objects.ts';
import { labelsOf, namesOf, ownerOf } from '../resources/rendering.ts';
import { nextRotation, storedKeys, type KeysInUse, type StoredKey } from './key-rotation.ts';
import { secretText } from './secret-text.ts';

import { KEYS_FILE } from './foreign-keys.ts';

/** Keys that were found or created. */
export interface SigningKeys {
  readonly activeKeyId: string;
  /** Null when the platform rotates the keys. */
  readonly nextRotationAt: number | null;
  /** The Secret to apply; null when it needs no change. */
  readonly change: KubeObject | null;
  /** Text for an Event: a key was created, signs now, or was deleted. */
  readonly news: string | null;
}

/** The keys in a Secret, newest step first. Null when there is none, or another resource owns the Secret. */
export function readKeys(secret: KubeObject | null): readonly StoredKey[] | null {
  try {
    return storedKeys.parse(JSON.parse(secretText(secret, KEYS_FILE) ?? ''));
  } catch {
    return null;
  }
}

/** Takes the next step of the rotation. An unreadable Secret is replaced: gateways cannot read it either. */
export async function rotateKeys(
  input: { subscription: Subscription; uid: string; secret: KubeObject | null; inUse: KeysInUse | null },
  now: number,
): Promise<SigningKeys> {
  const { signing } = input.subscription.spec.auth.token;
  const kept = readKeys(input.secret) ?? [];
  const rules = {
    algorithm: signing.algorithm,
    intervalMs: durationMs(signing.rotationInterval),
    overlapMs: durationMs(signing.overlap),
  };
  const step = nextRotation(kept, rules, input.inUse, now);
  const keys = step.needsKey ? [...step.keys, await freshKey(signing.algorithm, kept.length === 0, now)] : step.keys;
  const isChanged = JSON.stringify(keys) !== JSON.stringify(kept);
  const activeKeyId = keys[0]?.kid ?? '';
  return {
    activeKeyId,
    nextRotationAt: step.nextAt,
    change: isChanged ? secretOf(input, keys) : null,
    news: isChanged ? newsOf(kept, keys) : null,
  };
}

async function freshKey(algorithm: StoredKey['alg'], isFirst: boolean, now: number): Promise<StoredKey> {
  const made = Math.floor(now / 1_000);
  return { ...(await newKey(algorithm)), made, ...(isFirst && { signs: made }) };
}

function newsOf(before: readonly StoredKey[], after: readonly StoredKey[]): string | null {
  if (before.length === 0) return null;
  const [signing] = after;
  if (before[0]?.kid !== signing?.kid) return `the key ${signing?.kid ?? ''} signs from now on`;
  const added = after.find(({ kid }) => !before.some((key) => key.kid === kid));
  if (added !== undefined) return `the key ${added.kid} was made, and signs once every gateway verifies it`;
  const gone = before.find(({ kid }) => !after.some((key) => key.kid === kid));
  return gone === undefined ? null : `the key ${gone.kid} is gone: its overlap is over`;
}

function secretOf(input: { subscription: Subscription; uid: string }, keys: readonly StoredKey[]): KubeObject {
  const { name, namespace } = input.subscription.metadata;
  return {
    apiVersion: apiVersionOf(SECRETS),
    kind: SECRETS.kind,
    metadata: {
      name: namesOf(name).signingKeys,
      namespace,
      labels: labelsOf(name),
      ownerReferences: [ownerOf(input)],
    },
    type: 'Opaque',
    data: { [KEYS_FILE]: Buffer.from(`${JSON.stringify(keys)}\n`).toString('base64') },
  };
}
