import { createHash } from 'node:crypto';
import { Cluster } from 'ioredis';
import type { RedisClient } from './client.ts';
import { redisErrorCode } from './error-code.ts';

/**
 * A Lua script, which Redis knows by its digest. All its keys have one hash tag; otherwise a cluster answers CROSSSLOT.
 */
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

interface Input {
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
}

interface Asked {
  readonly script: Script;
  readonly input: Input;
  readonly settle: (reply: Promise<unknown>) => void;
}

/**
 * Runs all calls of the same turn with one write and one read: on a loopback interface, separate writes cost more than
 * the scripts. In a cluster each goes to its own shard by itself.
 */
export function runsTogether(client: RedisClient): (script: Script, input: Input) => Promise<unknown> {
  if (client instanceof Cluster) return (script, input) => runScript(client, script, input);
  let asked: Asked[] = [];
  const send = async () => {
    const these = asked;
    asked = [];
    const pipeline = client.pipeline();
    for (const { script, input } of these)
      pipeline.callBuffer('evalsha', script.sha, input.keys.length, ...input.keys, ...input.args);
    const failed = (error: Error) => these.map(() => [error, null] as [Error, null]);
    const replies = (await pipeline.exec().catch(failed)) ?? [];
    for (const [at, { script, input, settle }] of these.entries()) {
      const [error, reply] = replies[at] ?? [new Error('Connection is closed.'), null];
      if (error === null) settle(Promise.resolve(reply));
      else settle(redisErrorCode(error) === 'NOSCRIPT' ? runScript(client, script, input) : Promise.reject(error));
    }
  };
  return (script, input) =>
    new Promise((resolve, reject) => {
      if (asked.push({ script, input, settle: (reply) => void reply.then(resolve, reject) }) > 1) return;
      queueMicrotask(() => void send());
    });
}

/** How long replicas may take: less than a command may. */
const REPLICAS_LIMIT_MS = 1_000;
const MOST_ATTEMPTS = 4;

/**
 * The same, and returns how many replicas have its writes: at least `replicas`, or the number after a second. Both are
 * sent together: WAIT counts the writes of its own connection and blocks it, so the client must have no other use.
 */
export async function runScriptReplicated(
  client: RedisClient,
  script: Script,
  input: { keys: readonly string[]; args: readonly (string | Buffer)[]; replicas: number },
): Promise<{ readonly reply: unknown; readonly replicas: number }> {
  const rest = [input.keys.length, ...input.keys, ...input.args];
  let [command, body] = ['evalsha', script.sha];
  for (let attempt = 1; ; attempt += 1) {
    const pipeline = client.pipeline().callBuffer(command, body, ...rest);
    const results = await pipeline.call('wait', input.replicas, REPLICAS_LIMIT_MS).exec();
    const [[error, reply] = [null, null], [failure, replicas] = [null, 0]] = results ?? [];
    if (error === null && failure === null) return { reply, replicas: Number(replicas) };
    const code = redisErrorCode(error ?? failure);
    if (attempt === MOST_ATTEMPTS || (code !== 'NOSCRIPT' && code !== 'MOVED')) throw error ?? failure;
    if (code === 'NOSCRIPT') [command, body] = ['eval', script.lua];
    // A cluster's pipeline does not follow a redirection of its first command; a single command does, and the client
    // learns from it.
    else await client.exists(input.keys[0] ?? '');
  }
}
