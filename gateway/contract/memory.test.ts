import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SHIPPED_FLAGS } from '../../testing/shipped-flags.ts';
import type { HeapUse } from '../testing/memory-child.ts';
import { upgradeRequest } from '../testing/raw-client.ts';

const LIMIT = { timeout: 120_000 };
/** Warms up: compiles the code of a handshake, and creates everything that a process has once. */
const FIRST = 1_000;
const MORE = 2_000;
const UNDER_WAY = 4;
/** Measured: 3.9 KB, of which ws and the sockets of Node.js take 3. */
const MOST_LIVE = 5 * 1_024;
/**
 * In addition, the remains of a handshake after a collection of young objects. Measured: 1.4 KB, most of it the gate,
 * which a function of Node's streams references.
 */
const MOST_LEFT = 2.5 * 1_024;

async function startChild(): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('../testing/memory-child.ts', import.meta.url));
  return fork(program, { execArgv: [...SHIPPED_FLAGS, '--expose-gc', '--no-memory-reducer'] });
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(LIMIT.timeout) })) as [T];
  return message;
}

/** Opens connections, a few at a time, so that nothing waits long for its turn. */
async function open(port: number, token: string, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const openNext = async () => {
    while (sockets.length < count) {
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      socket.write(upgradeRequest(token));
      const [received] = (await once(socket, 'data')) as [Buffer];
      assert.match(received.toString('latin1'), /^HTTP\/1\.1 101 /);
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, openNext));
  return sockets;
}

test('an idle connection keeps few bytes in memory, and its handshake leaves few behind (P12)', LIMIT, async (t) => {
  const child = await startChild();
  const { port, token } = await answerOf<{ port: number; token: string }>(child);
  const measure = () => {
    child.send('measure');
    return answerOf<HeapUse>(child);
  };
  const first = await open(port, token, FIRST);
  const before = await measure();
  const more = await open(port, token, MORE);
  const after = await measure();
  const live = (after.live - before.live) / MORE;
  // The first measurement collected earlier garbage.
  const left = after.left / MORE;
  t.diagnostic(`${live.toFixed(0)} bytes a connection, ${left.toFixed(0)} bytes left behind by its handshake`);
  for (const socket of [...first, ...more]) socket.destroy();
  child.disconnect();
  await once(child, 'exit');
  assert.ok(live < MOST_LIVE, `a connection keeps ${live.toFixed(0)} bytes`);
  assert.ok(left < MOST_LEFT, `a handshake leaves ${left.toFixed(0)} bytes behind`);
});
