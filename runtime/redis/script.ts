import { createHash } from 'node:crypto';
import type { RedisClient } from './client.ts';
import { redisErrorCode } from './error-code.ts';

/** A Lua script, known to Redis by its digest. All its keys carry one hash tag, or a cluster answers CROSSSLOT. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export function defineScript(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** Runs by digest, and by text when the server does not know it (yet, or no longer). Strings come back as Buffers. */
export async function runScript(
  client: RedisClient,
  script: Script,
  input: { keys: readonly string[]; args: readonly (string | Buffer)[] },
): Promise<unknown> {
  const rest = [input.keys.length, ...input.keys, ...input.args];
  try {
    return await client.callBuffer('evalsha', script.sha, ...rest);
  } catch (error) {
    if (redisErrorCode(error) !== 'NOSCRIPT') throw error;
    return client.callBuffer('eval', script.lua, ...rest);
  }
}
