import assert from 'node:assert/strict';
import { request } from 'node:http';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { silentLogger } from '../logging/logger.ts';
import { openInnerListener } from './inner-listener.ts';

test('over the loopback interface a name of a stranger is refused (DNS rebinding)', async () => {
  const app = (_request: unknown, response: { end(text: string): void }) => response.end('inner');
  await using listener = await openInnerListener({ host: '127.0.0.1', port: 0, app, logger: silentLogger });
  const ask = (host: string) =>
    new Promise<number>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: listener.port, headers: { Host: host } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.once('error', reject).end();
    });
  const own = [
    'localhost',
    `localhost:${listener.port}`,
    '127.0.0.1:1',
    '[::1]:9090',
    'LOCALHOST.',
    'a.localhost',
    hostname(),
  ];
  for (const host of [...own, 'gateway']) assert.equal(await ask(host), 200, host);
  for (const host of [
    'evil.example',
    'evil.example:9090',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '1.1.1',
  ]) {
    assert.equal(await ask(host), 421, host);
  }
});
