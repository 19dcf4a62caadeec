import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Firehose } from '../clients/typescript/src/index.ts';
import { serve, type Served } from './testing/served.ts';
import { snippet } from './testing/snippets.ts';

const EVENT = /CHANNEL_CREATE/;
const LIMIT = { timeout: 90_000 };

/** Every client in the documentation, unchanged, against a gateway that was started as documented. */
describe('the clients of the documentation', () => {
  let served: Served;
  before(async () => {
    served = await serve('start');
  });
  after(() => served[Symbol.asyncDispose]());

  const prints = (script: string, expected = EVENT, signal?: NodeJS.Signals) =>
    served.workplace.prints(script, expected, served.client, signal);
  const has = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

  test('a shell logs in and prints events', LIMIT, async () => {
    await prints(snippet('shell'), /"Event-Name":"CHANNEL_CREATE"/);
  });

  test('a shell prints Server-Sent Events', LIMIT, async () => {
    await prints(snippet('sse-shell'), /id: \S+\ndata: \{"[^]*"Event-Name":"CHANNEL_CREATE"/);
  });

  test('firehose tail prints events', LIMIT, async () => {
    const environment = { ...served.client, FIREHOSE_URL: `https://${served.client['FIREHOSE']}` };
    await served.workplace.prints(snippet('tail'), /"Event-Name":"CHANNEL_CREATE"/, environment);
  });

  test('JavaScript streams', LIMIT, async () => {
    await served.workplace.write('stream.mjs', snippet('javascript'));
    await prints('node_modules/.bin/node stream.mjs');
  });

  test('a refused login is printed with its reason', LIMIT, async () => {
    await served.workplace.write('refused.mjs', snippet('javascript').replace('adminpassword', 'wrong'));
    await prints('node_modules/.bin/node refused.mjs || true; echo', /Error: .*password/i);
  });

  test('Python streams', LIMIT, async (t) => {
    if (!has('python3', '-c', 'import websockets')) return t.skip('needs: pip install websockets');
    await served.workplace.write('stream.py', snippet('python'));
    await prints('python3 stream.py');
  });

  test('Java streams', LIMIT, async (t) => {
    if (!has('javac', '-version')) return t.skip('needs a JDK of 17 or newer');
    await served.workplace.write('Firehose.java', snippet('java'));
    const trust = 'keytool -importcert -noprompt -file .firehose/ca.crt -keystore trust.p12 -storepass changeit';
    const options = '-Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit';
    await prints(`${trust}\nexec java ${options} Firehose.java`);
  });

  test('Go streams', LIMIT, async (t) => {
    if (!has('go', 'version')) return t.skip('needs Go');
    const inFolder = (script: string) => `mkdir -p go-client && cd go-client && ${script}`;
    await served.workplace.prints(`mkdir -p go-client && cp .firehose/ca.crt go-client && echo ready`, /ready/);
    await served.workplace.write('go-client/main.go', snippet('go'));
    try {
      const get = 'go mod init example && go get github.com/coder/websocket && go build -o stream . && echo built';
      await served.workplace.prints(inFolder(get), /built/);
    } catch {
      return t.skip('needs the Go module github.com/coder/websocket');
    }
    await prints(inFolder('SSL_CERT_FILE=ca.crt exec ./stream'));
  });

  test('the consumer that never loses an event continues where it stopped when it is killed', LIMIT, async () => {
    const { workplace } = served;
    await workplace.write('consumer.mjs', snippet('never-lose'));
    await rm(join(workplace.folder, 'cursor'), { force: true });
    const ids: string[] = [];
    for (const _ of [1, 2, 3]) {
      const { output } = await prints('exec node_modules/.bin/node consumer.mjs', /(\S+ [A-Z_]+\n){40}/);
      ids.push(...output.split('\n').flatMap((line) => /^(\S+) [A-Z_]+$/.exec(line)?.[1] ?? []));
    }
    const seen = new Set(ids);
    // The one that was handled, but not saved, when it was killed.
    assert.ok(ids.length - seen.size <= 2);
    for (const ofCall of (await everything()).values()) {
      const places = ofCall.flatMap((id, place) => (seen.has(id) ? [place] : []));
      // No gap between its first and last event of a call.
      assert.equal(places.length === 0 ? 0 : (places.at(-1) ?? 0) - (places[0] ?? 0) + 1, places.length);
    }
  });

  test('the sample of _firehose has the keys of a real one', LIMIT, async () => {
    const withMeta = snippet('shell').replace('token=$TOKEN', 'token=$TOKEN&meta=1');
    const { match } = await prints(withMeta, /"_firehose":(\{[^}]*\})\}/);
    const sample = JSON.parse(snippet('sample-meta')) as { _firehose: object };
    assert.deepEqual(Object.keys(JSON.parse(match[1] ?? '{}') as object), Object.keys(sample._firehose));
  });

  /** The ids of all events in the log, by call and in order, from a replay of the whole log. */
  async function everything(): Promise<Map<string, string[]>> {
    const ids = new Map<string, string[]>();
    const ca = await readFile(join(served.workplace.folder, '.firehose', 'ca.crt'));
    const login = { username: 'admin', password: 'adminpassword', domain: 'admin' };
    const firehose = new Firehose({ url: `https://${served.client['FIREHOSE']}`, login, ca });
    for await (const item of firehose.stream({ from: '-1h', to: '-0s' })) {
      assert.ok(item.type === 'event');
      const { 'Call-ID': callId = '' } = item.event;
      ids.set(callId, [...(ids.get(callId) ?? []), item.id]);
    }
    return ids;
  }
});
