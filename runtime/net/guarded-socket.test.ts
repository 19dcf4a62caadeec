import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { lookup } from 'node:dns';
import { guardedAgent } from './guarded-agent.ts';
import { AddressRefused, guardedSocket } from './guarded-socket.ts';

const STRICT = { allowLoopback: false };
const LOCAL = { allowLoopback: true };
const LIMIT = { timeout: 60_000 };

describe('a connection through the guard', () => {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined).end('hello');
  });
  let port = 0;
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  after(() => server.close());

  /** The error of a socket, null when it is connected. */
  async function outcome(socket: Socket): Promise<unknown> {
    using _ = { [Symbol.dispose]: () => void socket.destroy() };
    try {
      await once(socket, 'connect');
      // The server has accepted it.
      await once(socket, 'data');
      return null;
    } catch (error) {
      return error;
    }
  }

  /** DNS that returns one answer after the other for any name. */
  function answering(...answers: readonly string[]): typeof lookup {
    let asked = 0;
    const resolve = (_: string, __: unknown, done: (error: null, found: object[]) => void) => {
      const address = answers[Math.min(asked, answers.length - 1)] ?? '';
      asked += 1;
      process.nextTick(done, null, [{ address, family: 4 }]);
    };
    return resolve as unknown as typeof lookup;
  }

  for (const host of ['127.0.0.1', 'localhost', '127.1', '0x7f000001', '::ffff:127.0.0.1']) {
    test(`${host} is refused before a packet is sent, and allowed where loopback is`, LIMIT, async () => {
      const before = accepted.length;
      assert.ok((await outcome(guardedSocket({ host, port, tls: null }, STRICT))) instanceof AddressRefused);
      assert.ok((await outcome(guardedSocket({ host, port, tls: {} }, STRICT))) instanceof AddressRefused);
      assert.equal(accepted.length, before);
      assert.equal(await outcome(guardedSocket({ host, port, tls: null }, LOCAL)), null);
      assert.equal(await outcome(guardedSocket({ host, port, tls: null }, null)), null);
    });
  }

  test('a name that leads elsewhere by the time of the second connection is judged again', LIMIT, async () => {
    const dns = answering('127.0.0.1', '169.254.169.254');
    const target = { host: 'redis.example.com', port, tls: null };
    assert.equal(await outcome(guardedSocket(target, LOCAL, dns)), null);
    assert.ok((await outcome(guardedSocket(target, LOCAL, dns))) instanceof AddressRefused);
  });

  test('the agent for HTTP refuses alike, and the error names no address', LIMIT, async () => {
    const ask = (policy: { allowLoopback: boolean }) =>
      new Promise<unknown>((resolve) => {
        const agent = guardedAgent('http:', policy);
        const request = http.get({ host: 'localhost', port, agent }, resolve);
        request.on('error', (error) => {
          agent.destroy();
          resolve(error);
        });
      });
    const before = accepted.length;
    const error = await ask(STRICT);
    assert.ok(error instanceof AddressRefused);
    assert.doesNotMatch(error.message, /\d/);
    assert.equal(accepted.length, before);
    await ask(LOCAL);
    assert.equal(accepted.length, before + 1);
  });
});
