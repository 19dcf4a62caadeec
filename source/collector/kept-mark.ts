import { z } from 'zod';
import type { sourceKeys } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import type { KeptMark } from '../switch.ts';

const schema = z.object({ instance: z.string().max(128), until: z.int().min(0) });

/** KEYS: mark. Replies the mark, or nothing, and removes it. */
const CLAIM = defineScript(`
local mark = redis.call('GET', KEYS[1])
redis.call('PEXPIRE', KEYS[1], 0)
return mark or ''`);

export function encodeKeptMark(mark: KeptMark): string {
  return JSON.stringify(mark);
}

/**
 * Takes the mark that a connection of this endpoint has left. A second connection must not use it: the switch delivers
 * what it has kept only once. Rejects with the client's error.
 */
export async function claimKeptMark(
  client: RedisClient,
  keys: ReturnType<typeof sourceKeys>,
  endpoint: string,
): Promise<KeptMark | null> {
  const text = String(await runScript(client, CLAIM, { keys: [keys.kept(endpoint)], args: [] }));
  if (text === '') return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
