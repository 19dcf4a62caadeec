import { CompactSign, compactVerify, errors } from 'jose';
import { z } from 'zod';
import { resourceKeys } from '../../../protocol/keys.ts';
import type { RedisClient } from '../../../runtime/redis/client.ts';
import { redisErrorCode } from '../../../runtime/redis/error-code.ts';
import type { KeyRing } from '../../auth/signing-keys.ts';

const headSchema = z.strictObject({
  /** SHA-256 of the snapshot's bytes, base64. */
  digest: z.string(),
  accounts: z.int().min(1),
  format: z.enum(['json', 'ndjson']),
  etag: z.string().nullable(),
  /** `<namespace>/<name>`: a snapshot is of one resource alone. */
  resource: z.string(),
});

/** What is known of a kept snapshot without reading it. */
export interface KeptHead extends Omit<z.output<typeof headSchema>, 'resource'> {
  /** When the directory last said that it is its present content, Unix milliseconds. */
  readonly confirmedAt: number;
}

/** Where the last good snapshot is kept. Every method rejects with a LastGoodUnavailable. */
export interface LastGoodStore {
  /** Null: there is none, or none of the keys has signed it. */
  head(): Promise<KeptHead | null>;
  /** The bytes, gzip. Null: there are none. */
  body(): Promise<Buffer | null>;
  /** Returns whether the kept one is this one; it is marked as confirmed then. */
  confirm(digest: string, now: number): Promise<boolean>;
  save(kept: Omit<KeptHead, 'confirmedAt'>, packed: Uint8Array, now: number): Promise<void>;
}

export class LastGoodUnavailable extends Error {
  override readonly name = 'LastGoodUnavailable';
  readonly code: string;
  constructor(code: string) {
    super(`the last good directory cannot be kept or read now: ${code}`);
    this.code = code;
  }
}

/** Kept for as long as a directory may be away. Each confirmation begins it anew. */
const KEPT_MS = 30 * 24 * 3_600_000;
const TYPE = 'firehose-directory';

/**
 * One hash a resource. The head is signed with the tokens' key, and the body by its digest in it: who can write to
 * Redis cannot give accounts or users to the gateways.
 */
export function redisLastGood(
  redis: RedisClient,
  place: { readonly prefix: string; readonly resource: string },
  keys: KeyRing,
): LastGoodStore {
  const key = resourceKeys(place.prefix, place.resource).directory;
  const reached = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      // Not attached as a cause: an ioredis error carries the command's arguments.
      throw new LastGoodUnavailable(redisErrorCode(error));
    }
  };
  const head = async () => {
    const [seal, confirmedAt] = await reached(redis.hmget(key, 'head', 'confirmed'));
    return opened(seal ?? '', Number(confirmedAt ?? 0), place.resource, keys);
  };
  return {
    async head() {
      return (await head())?.head ?? null;
    },
    async body() {
      return reached(redis.hgetBuffer(key, 'body'));
    },
    async confirm(digest, now) {
      const kept = await head();
      // One that a former key has signed is written again, before that key ends.
      if (kept?.head.digest !== digest || kept.kid !== keys.kid) return false;
      await reached(redis.hset(key, 'confirmed', String(now)));
      await reached(redis.pexpire(key, KEPT_MS));
      return true;
    },
    async save(kept, packed, now) {
      const payload = Buffer.from(JSON.stringify({ ...kept, resource: place.resource }));
      const seal = await new CompactSign(payload)
        .setProtectedHeader({ alg: keys.algorithm, kid: keys.kid, typ: TYPE })
        .sign(keys.signKey);
      await reached(redis.hset(key, { head: seal, confirmed: String(now), body: Buffer.from(packed) }));
      await reached(redis.pexpire(key, KEPT_MS));
    },
  };
}

/** Null for what none of the keys has signed as the head of this resource's snapshot. */
async function opened(seal: string, confirmedAt: number, resource: string, keys: KeyRing) {
  try {
    const { payload, protectedHeader } = await compactVerify(seal, ({ kid, alg, typ }) => {
      const known = keys.verifyKeys.get(kid ?? '');
      if (known === undefined || known.algorithm !== alg || typ !== TYPE) throw new errors.JWSInvalid('another key');
      return known.key;
    });
    const { resource: of, ...head } = headSchema.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
    return of === resource ? { head: { ...head, confirmedAt }, kid: protectedHeader.kid } : null;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof z.ZodError || error instanceof SyntaxError) return null;
    throw error;
  }
}
