import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createPlainServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startGateway, type RunningGateway } from '../../gateway/testing/running-gateway.ts';
import { makeCertificates } from '../../testing/certificates.ts';
import { type } from './testing/typed.ts';

const LIMIT = { timeout: 60_000 };
const HOUR_MS = 3_600_000;
const LOGIN = { FIREHOSE_USERNAME: 'admin', FIREHOSE_DOMAIN: 'admin', FIREHOSE_PASSWORD: 'adminpassword' };

describe('what firehose tail says about an address that is wrong', () => {
  let gateway: RunningGateway;
  let ca: string;
  before(async () => {
    gateway = await startGateway({});
    ca = join(gateway.stateFolder, 'ca.crt');
  });
  after(() => gateway[Symbol.asyncDispose]());

  const tail = (url: string, ...args: string[]) => type(['tail', '--url', url, '--count', '1', ...args], LOGIN).ended;
  const at = () => `https://localhost:${gateway.gateway.port}`;

  async function says(url: string, args: readonly string[], code: number, ...expected: readonly RegExp[]) {
    const { code: ended, output, errors } = await tail(url, ...args);
    assert.deepEqual([ended, output], [code, ''], errors);
    for (const one of expected) assert.match(errors, one);
    assert.match(errors, /^(error: [^\n]+\n)+$/);
  }

  async function serving(server: Server | ReturnType<typeof createPlainServer>, run: (port: number) => Promise<void>) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await run((server.address() as AddressInfo).port).finally(() => server.close());
  }

  async function withCertificate(name: string, until: Date, run: (port: number, ca: string) => Promise<void>) {
    await using certificates = await makeCertificates(name, until);
    const [cert, key] = [await readFile(certificates.certFile), await readFile(certificates.keyFile)];
    await serving(createServer({ cert, key }), (port) => run(port, certificates.caFile));
  }

  test('an authority that is not trusted: --ca, or --insecure for a trial', LIMIT, async () => {
    await says(at(), [], 3, /not trusted here, .*\((SELF_SIGNED|UNABLE_TO)\w+\)/, /by --ca/, /--insecure takes any/);
  });

  test('a file of another authority', LIMIT, async () => {
    await using other = await makeCertificates();
    await says(at(), ['--ca', other.caFile], 3, /not trusted here/, /--ca holds another authority/);
  });

  test('a file that cannot be read, or holds no certificate, is a wrong use', LIMIT, async () => {
    await says(at(), ['--ca', '/nowhere/ca.crt'], 2, /\/nowhere\/ca.crt: the authority cannot be read \(ENOENT\)/);
    const file = join(gateway.stateFolder, 'not.crt');
    await writeFile(file, 'not a certificate');
    await says(at(), ['--ca', file], 2, /holds no certificate as PEM/);
  });

  test('a certificate for another name', LIMIT, async () => {
    await withCertificate('gateway.example', new Date(Date.now() + HOUR_MS), (port, file) =>
      says(`https://localhost:${port}`, ['--ca', file], 3, /not for the name localhost, but for DNS:gateway.example/),
    );
  });

  test('a certificate that has expired', LIMIT, async () => {
    await withCertificate('localhost', new Date(Date.now() - HOUR_MS), (port, file) =>
      says(`https://localhost:${port}`, ['--ca', file], 3, /has expired: it is valid from .* until .* GMT/, /clock/),
    );
  });

  test('plain HTTP where TLS is expected, and TLS where plain HTTP is', LIMIT, async () => {
    await serving(
      createPlainServer((_, response) => response.end('hello')),
      async (port) => {
        await says(`https://localhost:${port}`, [], 3, /does not speak TLS/, /public port of the gateway \(9443/);
        await says(`http://localhost:${port}`, [], 3, /does not answer as the public port of a gateway does \(200\)/);
      },
    );
    await says(at().replace('https', 'http'), [], 3, /speaks TLS: give https:\/\/localhost:\d+/);
    await withCertificate('localhost', new Date(Date.now() + HOUR_MS), (port) =>
      says(`http://localhost:${port}`, [], 3, /does not answer plain HTTP/, /try https:/),
    );
  });

  test('the inner port, a port where nothing listens, and a host that does not exist', LIMIT, async () => {
    await says(`http://127.0.0.1:${gateway.gateway.innerPort}`, [], 3, /as the public port of a gateway does \(404\)/);
    await says('https://127.0.0.1:1', [], 3, /nothing listens at 127.0.0.1:1/);
    await says('https://firehose.invalid', [], 3, /no host has the name firehose.invalid/);
  });

  test('a password in the address is a wrong use, and is not repeated', LIMIT, async () => {
    await says('https://admin:canary@localhost', [], 2, /^(?!.*canary)[^]*a user and a password have settings/);
  });

  test('the right file is trusted, and --insecure takes any certificate', LIMIT, async () => {
    for (const args of [['--ca', ca], ['--insecure']]) {
      const tailing = tail(at(), '--from', '-1h', ...args);
      await gateway.ingest(
        JSON.stringify({
          'Event-Name': 'DTMF',
          'Call-ID': 'a',
          'Custom-Channel-Vars': { 'Account-ID': 'account_id_1' },
        }),
      );
      const { code, output, errors } = await tailing;
      assert.deepEqual([code, errors], [0, ''], errors);
      assert.match(output, /"Event-Name":"DTMF"/);
    }
  });
});
