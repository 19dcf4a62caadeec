import { z } from 'zod';

/** A private JWK with three additional dates (seconds): readers ignore members that they do not know (RFC 7517 4). */
const storedKey = z.looseObject({
  kid: z.string().min(1),
  alg: z.enum(['HS256', 'EdDSA', 'ES256']),
  /** Created. */
  made: z.number(),
  /** Began to sign; absent while it only verifies. */
  signs: z.number().optional(),
  /** No replica signs with it any more. */
  retired: z.number().optional(),
});
export const storedKeys = z.array(storedKey).min(1);
export type StoredKey = z.output<typeof storedKey>;

export interface RotationRules {
  readonly algorithm: StoredKey['alg'];
  readonly intervalMs: number;
  readonly overlapMs: number;
}

/** Key ids from the gateways' heartbeats, the signing one first. */
export interface KeysInUse {
  readonly replicas: readonly (readonly string[])[];
  /** Running gateways according to Kubernetes. One without a heartbeat may have any keys. */
  readonly expected: number;
}

export interface Rotation {
  readonly keys: readonly StoredKey[];
  /** A new key must be created and put at the end: at first it only verifies. */
  readonly needsKey: boolean;
  /** Unix milliseconds. */
  readonly nextAt: number;
}

/**
 * The next step, pure. A key is created, verifies everywhere, signs, retires, is deleted. A step is taken only when
 * every gateway has followed the previous one, so that no token is ever refused because a key is missing. `inUse` is
 * null while unknown: then no step is taken.
 */
export function nextRotation(
  keys: readonly StoredKey[],
  rules: RotationRules,
  inUse: KeysInUse | null,
  nowMs: number,
): Rotation {
  const now = Math.floor(nowMs / 1_000);
  const [active] = keys;
  if (active === undefined) return { keys, needsKey: true, nextAt: nowMs + rules.intervalMs };
  let next = [...keys];
  const candidate = next.find((key) => key.signs === undefined);
  if (candidate !== undefined && everyReplica(inUse, (ids) => ids.includes(candidate.kid))) {
    next = [{ ...candidate, signs: now }, ...next.filter((key) => key !== candidate)];
  }
  const [signing = active] = next;
  const isFollowed = everyReplica(inUse, (ids) => ids[0] === signing.kid);
  next = next.map((key) =>
    isFollowed && key !== signing && key.signs !== undefined && key.retired === undefined
      ? { ...key, retired: now }
      : key,
  );
  next = next.filter(({ retired }) => retired === undefined || now < retired + rules.overlapMs / 1_000);
  const dueAt = (signing.signs ?? signing.made) * 1_000 + rules.intervalMs;
  const isWaiting = next.some((key) => key.signs === undefined);
  const needsKey = !isWaiting && (signing.alg !== rules.algorithm || nowMs >= dueAt);
  return { keys: next, needsKey, nextAt: needsKey ? nowMs + rules.intervalMs : dueAt };
}

function everyReplica(inUse: KeysInUse | null, holds: (ids: readonly string[]) => boolean): boolean {
  return inUse !== null && inUse.replicas.length >= inUse.expected && inUse.replicas.every(holds);
}
