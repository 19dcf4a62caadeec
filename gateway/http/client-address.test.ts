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

test('a hop that is no address ends the walk at the proxy, and is reported once a request', () => {
  for (const text of ['unknown', '<script>', '_hidden', '1', '10.0.0.1:port', '[::1', '999.1.1.1:80', '"']) {
    const reported: string[] = [];
    const addressOf = createAddressOf(['10.0.0.0/8'], (peer) => reported.push(peer));
    const request = from('10.0.0.1', text);
    assert.equal(addressOf(request), '10.0.0.1', text);
    assert.equal(addressOf(request), '10.0.0.1', text);
    assert.deepEqual(reported, ['10.0.0.1'], text);
  }
  const silent = createAddressOf(['10.0.0.0/8'], () => assert.fail('nothing was said'));
  for (const text of ['', ',', undefined]) assert.equal(silent(from('10.0.0.1', text)), '10.0.0.1');
});

test('a port behind the address, brackets, quotes and zones are cut off', () => {
  const addressOf = createAddressOf(['10.0.0.0/8', 'fd00::/8']);
  const written: [string, string][] = [
    ['203.0.113.66:40001', '203.0.113.66'],
    ['"203.0.113.66:40001"', '203.0.113.66'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['"[2001:db8::1]:4711"', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['::ffff:203.0.113.66', '203.0.113.66'],
    ['fe80::1%eth0', 'fe80::1'],
    ['1.1.1.1:1, 198.51.100.7:5555, 10.0.0.9:80, [fd00::9]:81', '198.51.100.7'],
  ];
  for (const [text, address] of written) assert.equal(addressOf(from('10.0.0.1', text)), address, text);
});

test('Forwarded (RFC 7239) counts where there is no X-Forwarded-For, and never beside it', () => {
  const addressOf = createAddressOf(['10.0.0.0/8']);
  const written: [string, string][] = [
    ['for=203.0.113.66', '203.0.113.66'],
    ['For="203.0.113.66:4711";proto=https;by=10.0.0.1', '203.0.113.66'],
    ['proto=http; for="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for=1.1.1.1, for=198.51.100.7;host="a,b;for=9.9.9.9", for=10.0.0.5', '198.51.100.7'],
    ['host="a;for=9.9.9.9;";for=198.51.100.7', '198.51.100.7'],
    ['host="\\";for=9.9.9.9;";for="198.51.100.7:1"', '198.51.100.7'],
    // The client's text ends with an unpaired quote, or with half an escape.
    ['for="x, for="198.51.100.7:4711"', '198.51.100.7'],
    ['for="x\\, for="198.51.100.7:4711";host="b", for=10.0.0.5', '198.51.100.7'],
    ['for=unknown', '10.0.0.1'],
    ['by=203.0.113.66', '10.0.0.1'],
  ];
  for (const [text, address] of written) {
    const request = from('10.0.0.1');
    request.headers.forwarded = text;
    assert.equal(addressOf(request), address, text);
  }
  const both = from('10.0.0.1', '198.51.100.1');
  both.headers.forwarded = 'for=203.0.113.66';
  assert.equal(addressOf(both), '198.51.100.1');
  const stranger = from('203.0.113.9');
  stranger.headers.forwarded = 'for=198.51.100.1';
  assert.equal(addressOf(stranger), '203.0.113.9');
});

test('the PROXY header wins', () => {
  const request = from('10.0.0.1', '198.51.100.1');
  rememberProxied(request.socket, '2001:db8:0:0::1');
  assert.equal(createAddressOf(['10.0.0.0/8'])(request), '2001:db8::1');
});
