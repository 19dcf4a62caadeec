import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { webhook } from '../../protocol/subscription/webhook.ts';
import type { AddressPolicy } from '../../runtime/net/address-guard.ts';
import { openRequests } from './request.ts';

const LIMIT = { timeout: 20_000 };

/** Hosts that the resolver of this machine takes for itself, or that are addresses of networks. */
const HOSTS = [
  'localhost',
  'LOCALHOST',
  '127.0.0.1',
  '127.1',
  '0',
  '0.0.0.0',
  '0x7f000001',
  '0x7f.1',
  '017700000001',
  '2130706433',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '169.254.169.254',
  '[fd00:ec2::254]',
  '10.0.0.1',
  '192.168.0.1',
  '100.64.0.1',
];

describe('W2: a webhook without the approval of the platform', () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  let port = 0;
  before(async () => {
    server.listen(0, '::');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  after(() => server.close());

  async function outcomeOf(host: string, policy: AddressPolicy): Promise<string> {
    // As a resource may have it.
    const { url } = webhook.parse({ url: `https://${host}:${port}/hook` });
    using requests = openRequests({ url: new URL(url), policy, timeoutMs: 5_000, ca: () => null });
    const outcome = await requests.send({ headers: {}, body: Buffer.from('{}'), signal: new AbortController().signal });
    return outcome.kind === 'failure' ? outcome.code : String(outcome.status);
  }

  for (const host of HOSTS)
    test(`sends nothing to ${host}, as the resolver has it`, LIMIT, async () => {
      const policy = { allowLoopback: false, publicOnly: true };
      assert.equal(await outcomeOf(host, { ...policy, ports: [port] }), 'ADDRESS_REFUSED');
      assert.equal(await outcomeOf(host, { ...policy, ports: [443, 8_443, 80] }), 'PORT_REFUSED');
      assert.equal(connections, 0);
    });

  test('sends nothing to another port than the allowed ones, whatever the address', LIMIT, async () => {
    assert.equal(await outcomeOf('localhost', { allowLoopback: true, ports: [443] }), 'PORT_REFUSED');
    assert.equal(connections, 0);
    assert.notEqual(await outcomeOf('localhost', { allowLoopback: true, ports: [port] }), 'PORT_REFUSED');
    assert.equal(connections, 1);
  });
});
