import { hash } from 'node:crypto';
import { CompactSign, compactVerify, errors } from 'jose';
import { z } from 'zod';
import { resourceKeys } from '../../../protocol/keys.ts';
import type { RedisClient } from '../../../runtime/redis/client.ts';
import { redisErrorCode } from '../../../runtime/redis/error-code.ts';
import { defineScript, runScript, type Script } from '../../../runtime/redis/script.ts';
import type { KeyRing } from '../../auth/signing-keys.ts';

const headSchema = z.strictObject({
  /** SHA-256 of the snapshot's bytes, base64. */
  digest: z.string(),
  accounts: z.int().min(1),
  format: z.enum(['json', 'ndjson']),
  /** ETag of the directory with all changes. */
  etag: z.string().nullable(),
  /** SHA-256 of each body of changes since those bytes, base64, in order. */
  changes: z.array(z.string()).default([]),
  /** `<namespace>/<name>`: a snapshot belongs to one resource. */
  resource: z.string(),
});

/** Facts about a kept snapshot that need no reading of it. */
export interface KeptHead extends Omit<z.output<typeof headSchema>, 'resource'> {
  /** When the directory server last confirmed it, Unix milliseconds. */
  readonly confirmedAt: number;
}

/** A directory, identified by its ETag or by its digest. */
interface Content {
  readonly etag: string | null;
  readonly digest: string;
}

interface KeptStep {
  readonly from: string;
  readonly etag: string;
  /** Number of accounts after the changes. */
  readonly accounts: number;
  readonly lines: string;
}

/** Store of the last good snapshot. Every method rejects with a LastGoodUnavailable. */
export interface LastGoodStore {
  /** Null when there is none, or when no known key signed it. */
  head(): Promise<KeptHead | null>;
  /** The bytes, compressed with gzip. Null when there are none. */
  body(): Promise<Buffer | null>;
  /** The bodies of changes since those bytes. Null when one does not match its digest. */
  changes(head: KeptHead): Promise<readonly string[] | null>;
  /** Marks the kept snapshot as confirmed if it is this one, and returns whether it is. */
  confirm(content: Content, now: number): Promise<boolean>;
  save(kept: Omit<KeptHead, 'confirmedAt' | 'changes'>, packed: Uint8Array, now: number): Promise<void>;
  /** Adds changes if the kept snapshot is the one that they start from. Several replicas may do this. */
  append(step: KeptStep, now: number): Promise<void>;
}

export class LastGoodUnavailable extends Error {
  override readonly name = 'LastGoodUnavailable';
  readonly code: string;
  constructor(code: string) {
    super(`the last good directory cannot be kept or read now: ${code}`);
    this.code = code;
  }
}

/** Time to live: how long a directory server may be away. Each confirmation renews it. */
const KEPT_MS = 30 * 24 * 3_600_000;
const TYPE = 'firehose-directory';
/** After this many, the whole directory is requested and kept again. */
const MOST_STEPS = 200;

/** KEYS[1]: the hash. ARGV: the head that must be there, the new one, now, field and value of the changes, time to live. */
const APPEND = defineScript(`
if redis.call('HGET', KEYS[1], 'head') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'head', ARGV[2], 'confirmed', ARGV[3], ARGV[4], ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1`);

/** KEYS[1]: the hash. ARGV: head, now, body, time to live. Changes of an earlier body go. */
const SAVE = defineScript(`
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'head', ARGV[1], 'confirmed', ARGV[2], 'body', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`);

const fieldOf = (digest: string) => `changes:${digest}`;
const digestOf = (text: string) => hash('sha256', text, 'base64');

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
    const known = await opened(seal ?? '', Number(confirmedAt ?? 0), place.resource, keys);
    return known && { ...known, seal: seal ?? '' };
  };
  const sealed = (kept: Omit<KeptHead, 'confirmedAt'>) =>
    new CompactSign(Buffer.from(JSON.stringify({ ...kept, resource: place.resource })))
      .setProtectedHeader({ alg: keys.algorithm, kid: keys.kid, typ: TYPE })
      .sign(keys.signKey);
  const run = (script: Script, ...args: readonly (string | Buffer)[]) =>
    reached(runScript(redis, script, { keys: [key], args }));
  return {
    async head() {
      return (await head())?.head ?? null;
    },
    async body() {
      return reached(redis.hgetBuffer(key, 'body'));
    },
    async changes({ changes }) {
      if (changes.length === 0) return [];
      const bodies = await reached(redis.hmget(key, ...changes.map(fieldOf)));
      return bodies.every((body, at) => digestOf(body ?? '') === changes[at]) ? bodies.map(String) : null;
    },
    async confirm(content, now) {
      const kept = await head();
      // A snapshot with the signature of a former key is written again before that key ends.
      if (kept === null || !isContent(kept.head, content) || kept.kid !== keys.kid) return false;
      await reached(redis.hset(key, 'confirmed', String(now)));
      await reached(redis.pexpire(key, KEPT_MS));
      return true;
    },
    async save(kept, packed, now) {
      await run(SAVE, await sealed({ ...kept, changes: [] }), String(now), Buffer.from(packed), String(KEPT_MS));
    },
    async append({ from, etag, accounts, lines }, now) {
      const kept = await head();
      if (kept?.head.etag !== from || kept.head.changes.length >= MOST_STEPS) return;
      const { confirmedAt: _, ...before } = kept.head;
      const digest = digestOf(lines);
      const next = await sealed({ ...before, etag, accounts, changes: [...before.changes, digest] });
      await run(APPEND, kept.seal, next, String(now), fieldOf(digest), lines, String(KEPT_MS));
    },
  };
}

/** Identified by the ETag, which does not depend on how the directory was reached; without one, by the bytes. */
function isContent(kept: Omit<KeptHead, 'confirmedAt'>, { etag, digest }: Content): boolean {
  return etag === null ? kept.digest === digest && kept.changes.length === 0 : kept.etag === etag;
}

/** Null when no key signed it as the head of this resource's snapshot. */
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
