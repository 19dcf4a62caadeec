import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { startCluster, type RedisCluster } from '../../testing/redis-cluster.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';
import { getCalls, legEvent } from './calls.suite.ts';

const LIMIT = { timeout: 110_000 };
/** So many that no kernel takes all of them for a client that does not read. */
const LEGS = 16_000;
const BATCH = 2_000;
const CALLS = { calls: { enabled: true } };
const SLOW = 'account_id_2';
const TAKE_LIMIT_MS = 30_000;
const SIGN_OF_LIFE_MS = 5_000;

let server: RedisServer;
let cluster: RedisCluster;
before(async () => {
  server = await startRedis();
  cluster = await startCluster();
});
after(async () => {
  await server.stop();
  await cluster[Symbol.asyncDispose]();
});

let prefixes = 0;
const kinds: Readonly<Record<string, () => Promise<RunningGateway>>> = {
  'Redis Streams': () =>
    startGateway({ redisUrl: server.url, redis: { keyPrefix: `slow-${(prefixes += 1)}:` }, plain: true, ...CALLS }),
  'a Redis Cluster': () => startGateway({ redisUrl: cluster.url, redis: { mode: 'Cluster' }, plain: true, ...CALLS }),
};

/** Begins many legs of one account, and one of another. */
async function begin(running: RunningGateway, token: string): Promise<void> {
  for (let from = 0; from < LEGS; from += BATCH) {
    const lines = Array.from({ length: BATCH }, (_, n) => legEvent(SLOW, `leg-${from + n}`, 'CHANNEL_CREATE'));
    const { body } = await running.ingest(lines.join('\n'));
    assert.equal(body['accepted'], BATCH);
  }
  await running.ingest(legEvent('account_id_1', 'other', 'CHANNEL_CREATE'));
  await until('all calls', () => getCalls(running, token, { accept: 'application/x-ndjson' }), {
    holds: ({ text }) => text.includes(`"calls":${LEGS + 1}}`),
  });
}

/** By their text: to read so many frames again and again takes too long. */
const isWhole = (client: Client) => client.messages.at(-1)?.startsWith('{"_firehose":{"type":"snapshot_end"') === true;
const callsOf = (client: Client) =>
  client.messages.filter((text) => text.startsWith('{"_firehose":{"type":"call"')).length;
/** Of the last frame. */
const countOf = (client: Client) => Number(/"calls":(\d+)}/.exec(client.messages.at(-1) ?? '')?.[1]);

/** A client that has been let in, and takes nothing from then on. */
async function hung(running: RunningGateway, token: string): Promise<Client> {
  const client = await running.connect(`?token=${token}&v=1&snapshot=calls`);
  client.pause();
  return client;
}

for (const [name, open] of Object.entries(kinds)) {
  test(
    `LC2: on ${name} a snapshot shows no call of an account that moves away while it is taken, and those of it when it is back`,
    LIMIT,
    async () => {
      await using running = await open();
      const token = await running.token();
      await begin(running, token);
      const slow = await hung(running, token);
      const directory = await readFile(running.directoryFile, 'utf8');
      const moved = directory.replace(/(id: '?"?account_id_2'?"?.*?), parent: [^,}\n]+/, '$1');
      assert.notEqual(moved, directory);
      await writeFile(running.directoryFile, moved);
      await until('the move', () => getCalls(running, token), {
        holds: ({ text }) => text.includes('"call_id":"other"'),
      });
      slow.resume();
      await until('the end of the snapshot', () => isWhole(slow));
      const shown = callsOf(slow);
      assert.ok(shown < LEGS, `${shown} calls were shown`);
      assert.equal(countOf(slow), shown);
      await writeFile(running.directoryFile, directory);
      await until('the move back', () => getCalls(running, token), { holds: ({ status }) => status === 413 });
      const back = await running.connect(`?token=${token}&v=1&snapshot=calls`);
      await until('a whole snapshot', () => isWhole(back));
      assert.equal(callsOf(back), LEGS + 1);
      slow.close();
      back.close();
    },
  );
}

test('I11: a client that takes nothing of its snapshot for 30 s is cut off, and holds up nobody', LIMIT, async () => {
  await using running = await startGateway({
    redisUrl: server.url,
    redis: { keyPrefix: 'hung:' },
    plain: true,
    ...CALLS,
  });
  const token = await running.token();
  await begin(running, token);
  const begun = performance.now();
  const slow = await hung(running, token);
  // It lives: only that it takes nothing can end it.
  const living = setInterval(() => slow.send('{"filter":{"accounts":null,"events":null}}'), SIGN_OF_LIFE_MS);
  const connections = async () => (await running.administer('/connections')).body['connections'] as unknown[];
  const other = await running.connect(`?token=${token}&v=1&snapshot=calls`);
  await until('a whole snapshot', () => isWhole(other));
  assert.equal(callsOf(other), LEGS + 1);
  assert.equal((await connections()).length, 2);
  await until('the slow one cut off', async () => (await connections()).length === 1);
  assert.ok(performance.now() - begun > TAKE_LIMIT_MS);
  clearInterval(living);
  slow.resume();
  assert.ok([4429, 1006].includes((await slow.closed).code));
  assert.equal(isWhole(slow), false);
  await running.ingest(legEvent('account_id_1', 'other', 'CHANNEL_DESTROY'));
  await until('the event after it', () => other.messages.at(-1)?.includes('CHANNEL_DESTROY') === true);
  other.close();
});
