import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { until } from '../../testing/until.ts';
import { openStateFolder } from '../state/state-folder.ts';
import { openListener, type ListenerChange } from '../testing/public-listener.ts';
import { selfSigned } from '../tls/self-signed.ts';
import { AddressFaults } from './address-faults.ts';
import { refuseOnSocket } from './refuse-upgrade.ts';

const HOSTILE = '127.0.0.2';
const HONEST = '127.0.0.3';
const LOGIN = `POST ${LOGIN_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`;
const UPGRADE = `GET ${STREAM_PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
const NOWHERE = 'GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n';

/** Over TLS, as served by default. */
describe('I15: an address whose connections are of no use', () => {
  let folder: string;
  let certificate: { cert: string; key: string };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firehose-faults-'));
    certificate = await selfSigned(await openStateFolder(folder), Date.now());
  });
  after(() => rm(folder, { recursive: true }));

  async function open(change: ListenerChange = {}) {
    const faults = new AddressFaults();
    const noted: string[] = [];
    const note = faults.note.bind(faults);
    faults.note = (address, now) => {
      noted.push(address);
      note(address, now);
    };
    const server = await openListener({ ...change, listener: { tls: certificate, faults, ...change.listener } });
    return {
      faults,
      noted,
      server,
      isSlow: (address: string) => faults.isSlowedDown(address, performance.now()),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }

  /** All received data of a connection until it ends. An empty text is a client that sends nothing. */
  async function exchange(port: number, text: string, localAddress: string): Promise<string> {
    const socket = connect({
      socket: connectTcp({ port, host: '127.0.0.1', localAddress }),
      rejectUnauthorized: false,
    });
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.once('secureConnect', () => (text === '' ? socket.destroy() : socket.write(text)));
    await new Promise((resolve) => socket.once('close', resolve));
    return received;
  }

  test('is slowed down, is still served, and nobody else is slowed down', async () => {
    await using opened = await open();
    const { server, noted, isSlow } = opened;
    for (let at = 0; at < 24; at += 1) await exchange(server.port, at % 2 === 0 ? NOWHERE : '', HOSTILE);
    await until('the faults', () => isSlow(HOSTILE));
    assert.deepEqual(new Set(noted), new Set([HOSTILE]));
    assert.match(await exchange(server.port, LOGIN, HONEST), /^HTTP\/1\.1 200 /);
    assert.equal(isSlow(HONEST), false);
    assert.match(await exchange(server.port, LOGIN, HOSTILE), /^HTTP\/1\.1 200 /);
  });

  test('is cut off before TLS when 25 of its connections wait', async () => {
    await using opened = await open();
    const { server, faults } = opened;
    for (let at = 0; at < 500; at += 1) faults.note(HOSTILE, performance.now());
    const answers = await Promise.all(Array.from({ length: 60 }, () => exchange(server.port, LOGIN, HOSTILE)));
    const dropped = server.mismatches.filter((what) => what === 'dropped address').length;
    assert.ok(dropped > 0, 'some are dropped');
    assert.equal(answers.filter((answer) => answer.includes(' 200 ')).length, 60 - dropped);
  });

  test('logins, streams, faults of the gateway and health checks are none of its faults', async () => {
    let status = 101;
    await using opened = await open({
      onUpgrade: async (_request, socket) => {
        if (status === 101) socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
        else refuseOnSocket(socket, { status, code: 'not_found', detail: 'not now' });
        return status;
      },
    });
    const { server, noted } = opened;
    await exchange(server.port, LOGIN, HONEST);
    await exchange(server.port, UPGRADE, HONEST);
    for (status of [503, 429]) await exchange(server.port, UPGRADE, HONEST);
    const check = connectTcp(server.port, '127.0.0.1').end();
    await once(check.resume(), 'close');
    status = 401;
    await exchange(server.port, UPGRADE, HOSTILE);
    await until('the one fault', () => noted.length > 0);
    assert.deepEqual(noted, [HOSTILE]);
  });

  test('behind a trusted proxy is the one that the proxy names; the proxy itself is never slowed down', async () => {
    await using opened = await open({ listener: { trustedProxies: ['127.0.0.0/8'] } });
    const { server, noted } = opened;
    const forwarded = NOWHERE.replace('Host: x', 'Host: x\r\nX-Forwarded-For: 203.0.113.9');
    for (let at = 0; at < 30; at += 1) await exchange(server.port, at % 2 === 0 ? forwarded : NOWHERE, HONEST);
    assert.deepEqual(new Set(noted), new Set(['203.0.113.9']));
  });
});
