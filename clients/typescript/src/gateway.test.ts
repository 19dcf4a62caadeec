import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ADMIN, startGateway, type RunningGateway } from '../../../gateway/testing/running-gateway.ts';
import { startTcpProxy, type TcpProxy } from '../../../testing/tcp-proxy.ts';
import { fileCursor } from './file-cursor.ts';
import { Firehose } from './firehose.ts';

const EVENTS = 2_000;
const CUTS = 40;
const LIMIT = { timeout: 60_000 };

/** A real gateway over TLS, behind a proxy that cuts connections. */
describe('the client against a gateway', () => {
  let gateway: RunningGateway;
  let proxy: TcpProxy;
  let folder: string;
  let ca: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firehose-client-'));
    gateway = await startGateway({});
    proxy = await startTcpProxy(gateway.gateway.port);
    ca = await readFile(join(gateway.stateFolder, 'ca.crt'), 'utf8');
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await gateway[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const client = (more: object = {}) =>
    new Firehose({ url: `https://localhost:${proxy.port}`, login: ADMIN, ca, ...more });
  const produce = async (from: number, to: number) => {
    const lines = Array.from({ length: to - from }, (_, at) => {
      const n = from + at;
      const vars = { 'Account-ID': 'account_id_1' };
      return JSON.stringify({ 'Event-Name': 'DTMF', 'Call-ID': `call-${n % 20}`, n, 'Custom-Channel-Vars': vars });
    });
    const { body } = await gateway.ingest(lines.join('\n'));
    assert.equal(body['accepted'], to - from);
  };

  test('K2: nothing is lost over many cuts, and each event is given once', LIMIT, async () => {
    const seen: number[] = [];
    const stream = client().stream({ cursorStore: fileCursor(join(folder, 'cuts')), from: '-1m' });
    let produced = 0;
    while (seen.length < EVENTS) {
      if (produced < EVENTS && produced - seen.length < 200) {
        await produce(produced, produced + EVENTS / CUTS);
        produced += EVENTS / CUTS;
        proxy.cutAll();
      }
      const { value } = await stream.next();
      if (value?.type === 'event') seen.push(Number(value.event['n']));
      else assert.fail(`a gap: ${value?.type === 'gap' ? value.reason : 'the end'}`);
    }
    await stream.return();
    assert.equal(new Set(seen).size, EVENTS);
    for (let call = 0; call < 20; call += 1) {
      const ofCall = seen.filter((n) => n % 20 === call);
      assert.deepEqual(
        ofCall,
        ofCall.toSorted((a, b) => a - b),
        'in order within a call',
      );
    }
  });

  test('L4: a process that is gone continues from its file, and repeats one event at most', LIMIT, async () => {
    const cursorStore = fileCursor(join(folder, 'restart'));
    const seen: string[] = [];
    for (const [round, from] of [100_000, 100_100, 100_200].entries()) {
      const stream = client().stream({ cursorStore, ...(round === 0 && { from: '-1s' }) });
      await produce(from, from + 100);
      for (;;) {
        const { value } = await stream.next();
        if (value?.type === 'event' && Number(value.event['n']) >= 100_000) seen.push(value.id);
        if (new Set(seen).size === from + 100 - 100_000) break;
      }
      // Interrupted in the middle of the body, as by a crash.
      await stream.return();
    }
    assert.equal(new Set(seen).size, 300);
    assert.ok(seen.length <= 302, `${seen.length}`);
  });

  test('L4: a cursor file that holds something else is an error and never a start from now', LIMIT, async () => {
    await writeFile(join(folder, 'broken'), 'not a cursor!');
    const stream = client().stream({ cursorStore: fileCursor(join(folder, 'broken')) });
    await assert.rejects(stream.next(), { code: 'cursor_store' });
  });

  test('a filter, an end and a wrong cursor mean what the contract says', LIMIT, async () => {
    await produce(200_000, 200_010);
    const replay = client({ events: ['DTMF'] }).stream({ from: '-10m', to: '-0s' });
    const items = await Array.fromAsync(replay);
    assert.ok(items.length > 10 && items.every((item) => item.type === 'event' && item.account === 'account_id_1'));
    await assert.rejects(
      client({ events: ['CHANNEL_ANSWERED'] })
        .stream()
        .next(),
      { code: 'refused', status: 400 },
    );
    const load = () => Promise.resolve('AAAA');
    const store = { load, save: () => Promise.resolve() };
    await assert.rejects(client().stream({ cursorStore: store }).next(), { code: 'refused' });
  });

  test('an untrusted certificate is an error that names ca', LIMIT, async () => {
    await assert.rejects(new Firehose({ url: `https://localhost:${proxy.port}`, login: ADMIN }).stream().next(), {
      code: 'untrusted_certificate',
      message: /give its authority as ca/,
    });
  });

  test('L3: a wrong password stops after two logins', LIMIT, async () => {
    const login = { ...ADMIN, password: 'wrong' };
    await assert.rejects(client({ login }).stream().next(), { code: 'login_refused', status: 401 });
  });
});
