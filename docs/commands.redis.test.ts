import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { serve, type Served } from './testing/served.ts';
import { snippet } from './testing/snippets.ts';

const LIMIT = { timeout: 90_000 };

/** The commands of the documentation that need a Redis, with a free port instead of 6379. */
describe('the commands of the documentation, with a Redis', () => {
  let redis: RedisServer;
  let served: Served;
  before(async () => {
    redis = await startRedis();
    served = await serve('start-with-redis', (command) => {
      assert.match(command, /REDIS_URL=redis:\/\/localhost:6379 /);
      return command.replace('localhost:6379', `127.0.0.1:${redis.port}`);
    });
  });
  after(async () => {
    await served?.[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  const prints = (script: string, expected: RegExp) => served.workplace.prints(script, expected, served.client);

  test('an event that was added by hand reaches a client', LIMIT, async () => {
    await prints(snippet('xadd').replace('redis-cli ', `redis-cli -p ${redis.port} `), /^\d+-\d+\n/);
    const fromTheBeginning = snippet('shell').replace('token=$TOKEN', 'token=$TOKEN&from=-1h');
    await prints(fromTheBeginning, /\{"Event-Name":"CHANNEL_ANSWER","Call-ID":"c1"\}/);
  });

  test('a source runs from its file alone, and the doctor says how it is', LIMIT, async () => {
    const on = (command: string) => command.replace('localhost:6379', `127.0.0.1:${redis.port}`);
    await served.workplace.write('source.yaml', snippet('source-file'));
    const runs = /"inner_port":(\d+),"source":"default\/source","kind":"simulator".*"msg":"the source runs"/;
    const source = await served.workplace.starts(on(snippet('source-standalone')), runs, { FIREHOSE_INNER_PORT: '0' });
    await using _ = source;
    const doctor = on(snippet('source-doctor')).replace('localhost:9090', `localhost:${source.match[1]}`);
    await prints(`${doctor}|| true`, /ok +source\.inner .*: ready\n/);
  });

  test('the example batch reaches a client, and a second time it is a duplicate', LIMIT, async () => {
    await prints(served.on(snippet('ingest')), /"accepted".*"accepted".*"accepted"/s);
    const fromTheBeginning = snippet('shell').replace('token=$TOKEN', 'token=$TOKEN&from=-1h');
    await prints(fromTheBeginning, /"Call-ID":"example-call-1"[\s\S]*CHANNEL_DESTROY/);
    await prints(served.on(snippet('ingest')), /"duplicate".*"duplicate".*"duplicate"/s);
  });
});
