import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createAddressOf, rememberProxied } from './client-address.ts';

function from(remoteAddress: string, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress }, connection: { remoteAddress }, headers } as unknown as IncomingMessage;
}

test('without trusted proxies nobody can say who they are', () => {
  const addressOf = createAddressOf([]);
  assert.equal(addressOf(from('203.0.113.9', '198.51.100.1')), '203.0.113.9');
  assert.equal(addressOf(from('::ffff:203.0.113.9')), '203.0.113.9');
});

test('a trusted proxy is believed, and the hop before it only if it is trusted too', () => {
  const addressOf = createAddressOf(['10.0.0.0/8']);
  assert.equal(addressOf(from('::ffff:10.0.0.1', '198.51.100.1')), '198.51.100.1');
  assert.equal(addressOf(from('10.0.0.1', '1.1.1.1, 198.51.100.1, 10.9.9.9')), '198.51.100.1');
  assert.equal(addressOf(from('203.0.113.9', '198.51.100.1')), '203.0.113.9');
});

test('a forwarded address that is none falls back to the connection', () => {
  const addressOf = createAddressOf(['10.0.0.0/8']);
  for (const text of ['unknown', '<script>', '', ',', '10.0.0.1:80']) {
    assert.equal(addressOf(from('10.0.0.1', text)), '10.0.0.1', text);
  }
});

test('the PROXY header wins', () => {
  const request = from('10.0.0.1', '198.51.100.1');
  rememberProxied(request.socket, '2001:db8:0:0::1');
  assert.equal(createAddressOf(['10.0.0.0/8'])(request), '2001:db8::1');
});
