import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type TLSSocket } from 'node:tls';
import { test } from 'node:test';
import { INGEST_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { until } from '../../testing/until.ts';
import { logIn } from './neighbour.ts';
import { openTarget, type Target } from './target.ts';

const STREAMS = 40;
/** 1 MiB waits for each connection, as plain bytes and encrypted; in addition to the memory of any TLS connection. */
const MOST_MIB_EACH = 1.5;
/** Over 32 MB of events. */
const SETTLED_MIB = 2;
const EVENT_BYTES = 16_000;
const EVENTS_A_BATCH = 100;
const USER = { username: 'operator', password: 'operatorpassword', domain: 'north' };
const LIMIT = { timeout: 120_000 };

test('a TLS connection that does not read costs a bounded amount of memory', LIMIT, async (context) => {
  await using target = await openTarget();
  const { token } = await logIn(target, USER);
  const before = await settledMemoryOf(target);
  const sockets = await Promise.all(Array.from({ length: STREAMS }, () => openUnread(target, token)));
  try {
    await until('all streams to be behind', async () => {
      await ingest(target);
      return (await metric(target, 'firehose_behind_connections')) === STREAMS;
    });
    for (let batch = 0; batch < 10; batch += 1) await ingest(target);
    const each = ((await memoryOf(target)) - before) / STREAMS;
    context.diagnostic(`${each.toFixed(2)} MiB for each of ${STREAMS} unread streams`);
    assert.ok(each < MOST_MIB_EACH, `${each.toFixed(2)} MiB each`);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

async function openUnread({ port, ca }: Target, token: string): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  socket.on('error', () => undefined);
  const lines = ['Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  socket.write([`GET ${STREAM_PATH}?token=${token} HTTP/1.1`, ...lines, key, '\r\n'].join('\r\n'));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 101 /);
  socket.pause();
  return socket;
}

async function ingest({ innerPort, ingestToken }: Target): Promise<void> {
  const filler = 'x'.repeat(EVENT_BYTES);
  const line = JSON.stringify({ 'Event-Name': 'DTMF', 'Call-ID': 'unread', 'Account-ID': 'account_id_1', filler });
  const lines = Array.from({ length: EVENTS_A_BATCH }, (_, at) =>
    line.replace('{', `{"n":${at},"t":${performance.now()},`),
  );
  const answer = await fetch(`http://127.0.0.1:${innerPort}${INGEST_PATH}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ingestToken}` },
    body: lines.join('\n'),
  });
  assert.equal(answer.status, 200, await answer.text());
}

async function metric({ innerPort }: Target, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${innerPort}/metrics`)).text();
  const samples = text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\S+)`, 'gm'));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Memory of the first events, of what is kept of them, and of a collection does not belong to a connection. */
async function settledMemoryOf(target: Target): Promise<number> {
  let last = 0;
  const { memory } = await until(
    'memory that no longer grows with events',
    async () => {
      const before = last;
      for (let batch = 0; batch < 20; batch += 1) await ingest(target);
      last = await memoryOf(target);
      return { memory: last, grown: last - before };
    },
    { holds: ({ grown }) => grown < SETTLED_MIB },
  );
  return memory;
}

/** Resident memory in MiB (proc(5)). */
async function memoryOf({ pid }: Target): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}
