import assert from 'node:assert/strict';
import { createServer, type Server, type AddressInfo, type ListenOptions } from 'node:net';
import { test } from 'node:test';
import { listenOn } from './listen.ts';

/** A server of a kernel as under `ipv6.disable=1`. */
function withoutIpv6(code: string): Server {
  const server = createServer();
  const listen = server.listen.bind(server) as (options: ListenOptions) => Server;
  const refuse = () => server.emit('error', Object.assign(new Error('no IPv6'), { code }));
  server.listen = ((options: ListenOptions) => {
    if (options.host?.includes(':') !== true) return listen(options);
    process.nextTick(refuse);
    return server;
  }) as Server['listen'];
  return server;
}

function recorded() {
  const lines: string[] = [];
  return { lines, logger: { info: (_: object, message: string) => void lines.push(message) } as never };
}

test('all addresses are those of IPv4 alone where there is no IPv6, with one line', async () => {
  for (const code of ['EAFNOSUPPORT', 'EADDRNOTAVAIL']) {
    const { lines, logger } = recorded();
    const server = withoutIpv6(code);
    const port = await listenOn(server, { host: '*', port: 0, logger });
    assert.deepEqual([(server.address() as AddressInfo).address, port > 0], ['0.0.0.0', true]);
    assert.deepEqual(lines, ['this machine has no IPv6: listening on 0.0.0.0']);
    server.close();
  }
});

test('an address that was given is taken as it is, or rejects with what the system says', async () => {
  const { lines, logger } = recorded();
  const given = createServer();
  await listenOn(given, { host: '127.0.0.1', port: 0, logger });
  assert.equal((given.address() as AddressInfo).address, '127.0.0.1');
  const port = (given.address() as AddressInfo).port;
  await assert.rejects(listenOn(withoutIpv6('EAFNOSUPPORT'), { host: '::', port: 0, logger }), {
    code: 'EAFNOSUPPORT',
  });
  await assert.rejects(listenOn(createServer(), { host: '192.0.2.1', port: 0, logger }), { code: 'EADDRNOTAVAIL' });
  await assert.rejects(listenOn(createServer(), { host: '127.0.0.1', port, logger }), { code: 'EADDRINUSE' });
  assert.deepEqual(lines, []);
  given.close();
});
