import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { until } from '../../testing/until.ts';
import { clientFrame, closeCode, serverFrames, upgradeRequest } from '../testing/raw-client.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';

const LIMIT = { timeout: 60_000 };
const PING = 9;
const PONG = 10;
const CLOSE = 8;

/** A WebSocket below TLS that sends only what the test sends, and keeps the received data. */
class RawWebSocket implements Disposable {
  readonly socket: TLSSocket;
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);

  constructor(socket: TLSSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => void socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (this.#received = Buffer.concat([this.#received, chunk])));
  }

  static async open(running: RunningGateway, token: string): Promise<RawWebSocket> {
    const ca = await readFile(join(running.stateFolder, 'ca.crt'), 'utf8');
    const socket = connect({ port: running.gateway.port, host: '127.0.0.1', ca });
    await once(socket, 'secureConnect');
    const raw = new RawWebSocket(socket);
    socket.write(upgradeRequest(token));
    await until('the handshake', () => raw.#received.includes('\r\n\r\n'));
    return raw;
  }

  count(opcode: number): number {
    return serverFrames(this.#received).filter((frame) => frame.opcode === opcode).length;
  }

  get closeCode(): number | null {
    return closeCode(this.#received);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/**
 * Advances the steady clock for everything in this process. By itself it goes at a tenth of its speed: what a busy machine
 * takes is no time for the peers.
 */
function steadyClock(t: TestContext): (milliseconds: number) => void {
  const real = performance.now.bind(performance);
  const begun = real();
  let offset = 0;
  t.mock.method(performance, 'now', () => begun + (real() - begun) / 10 + offset);
  return (milliseconds) => (offset += milliseconds);
}

describe('a peer that answers no ping, over TLS (I18)', () => {
  test('is closed with 4408 after a minute, whatever its kernel takes; one that answers is not', LIMIT, async (t) => {
    const advance = steadyClock(t);
    await using running = await startGateway({});
    const token = await running.token();
    using silent = await RawWebSocket.open(running, token);
    using alive = await RawWebSocket.open(running, token);
    for (const pings of [1, 2]) {
      advance(26_000);
      await until('a ping for each', () => silent.count(PING) >= pings && alive.count(PING) >= pings);
      alive.socket.write(clientFrame(PONG));
      // The kernel of the silent client keeps accepting events.
      await running.ingest(`{"Event-Name":"DTMF","Call-ID":"c${pings}","Account-ID":"account_id_1"}`);
      await until('the event for each', () => silent.count(1) >= pings && alive.count(1) >= pings);
    }
    assert.equal(silent.closeCode, null);
    advance(10_000);
    await until('the Close of the silent one', () => silent.closeCode === 4408);
    assert.equal(alive.closeCode, null);
    alive.socket.write(clientFrame(PONG));
  });

  test('is closed also when its host has vanished without a word', LIMIT, async (t) => {
    const advance = steadyClock(t);
    await using running = await startGateway({});
    const token = await running.token();
    using vanished = await RawWebSocket.open(running, token);
    // The application no longer reads and no longer acknowledges.
    vanished.socket.pause();
    advance(61_000);
    await until('no connection is left', async () => {
      const metrics = await fetch(`http://127.0.0.1:${running.gateway.innerPort}/metrics`);
      return (await metrics.text()).includes('firehose_connections{contract="plain"} 0\n');
    });
  });
});

describe('pongs that were not asked for, over TLS', () => {
  test('count as frames: a flood of them is ended with 4429, and a heartbeat of them is not', LIMIT, async () => {
    await using running = await startGateway({});
    const token = await running.token();
    using beating = await RawWebSocket.open(running, token);
    using flooding = await RawWebSocket.open(running, token);
    for (let beat = 0; beat < 100; beat += 1) beating.socket.write(clientFrame(PONG, 'beat'));
    beating.socket.write(clientFrame(PING, 'asked'));
    await until('an answer to the ping behind 100 pongs', () => beating.count(PONG) === 1);
    flooding.socket.write(Buffer.concat(Array.from({ length: 500 }, () => clientFrame(PONG))));
    await until('the end of the flood', () => flooding.closeCode === 4429);
    assert.equal(beating.closeCode, null);
  });

  for (const [what, begin, code] of [
    ['4429', Array.from({ length: 200 }, () => clientFrame(PING)), 4429],
    ['4500', [clientFrame(1, 'no frame')], 4500],
  ] as const) {
    test(`behind our Close ${what} nothing more is read, however much is sent`, LIMIT, async () => {
      await using running = await startGateway({});
      using flooding = await RawWebSocket.open(running, `${await running.token()}&v=1`);
      flooding.socket.write(Buffer.concat([...begin]));
      await until('our Close', () => flooding.closeCode === code);
      const answered = flooding.count(PONG);
      const flood = Buffer.concat(Array.from({ length: 20_000 }, () => clientFrame(PING, 'x'.repeat(100))));
      let isDrained = false;
      for (let sent = 0; sent < 10; sent += 1) flooding.socket.write(flood);
      flooding.socket.once('drain', () => (isDrained = true));
      await flooding.closed;
      assert.equal(flooding.count(PONG), answered, 'no ping behind the Close is answered');
      assert.equal(isDrained, false, 'the flood stays with the peer');
    });
  }

  test('a peer that answers our Close is gone at once', LIMIT, async () => {
    await using running = await startGateway({});
    using client = await RawWebSocket.open(running, `${await running.token()}&v=1`);
    // Some frames were on their way.
    client.socket.write(Buffer.concat([clientFrame(1, 'no frame'), ...Array(50).fill(clientFrame(PING))]));
    await until('our Close', () => client.closeCode === 4500);
    const start = performance.now();
    client.socket.write(clientFrame(CLOSE, Buffer.from([0x11, 0x94])));
    await client.closed;
    assert.ok(performance.now() - start < 1_900, 'before the limit for a peer that does not answer');
  });
});
