import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseProxyHeader } from './proxy-protocol.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

function version2(command: number, family: number, body: Buffer): Buffer {
  const head = Buffer.from([command, family, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([SIGNATURE, head, body]);
}

const IPV4 = Buffer.from([203, 0, 113, 9, 10, 0, 0, 1, 0x12, 0x34, 0x01, 0xbb]);

test('version 1 names the client, and its length is where the request begins', () => {
  const line = 'PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\n';
  const expected = { kind: 'header', address: '203.0.113.9', length: line.length };
  assert.deepEqual(parseProxyHeader(Buffer.from(`${line}GET / HTTP/1.1\r\n`)), expected);
  const six = parseProxyHeader(Buffer.from('PROXY TCP6 2001:db8::1 ::1 1 2\r\n'));
  assert.ok(six.kind === 'header' && six.address === '2001:db8::1');
});

test('version 2 names the client over IPv4 and IPv6, with extensions behind the addresses', () => {
  const bytes = version2(0x21, 0x11, Buffer.concat([IPV4, Buffer.alloc(20)]));
  assert.deepEqual(parseProxyHeader(bytes), { kind: 'header', address: '203.0.113.9', length: bytes.length });
  const six = parseProxyHeader(version2(0x21, 0x21, Buffer.alloc(36, 1)));
  assert.ok(six.kind === 'header' && six.address === '101:101:101:101:101:101:101:101');
});

test('a health check (LOCAL, UNKNOWN) names nobody', () => {
  for (const bytes of [version2(0x20, 0, Buffer.alloc(0)), Buffer.from('PROXY UNKNOWN\r\n')]) {
    assert.deepEqual(parseProxyHeader(bytes), { kind: 'header', address: null, length: bytes.length });
  }
});

test('every prefix of a header is incomplete, and never a header or a fault', () => {
  for (const bytes of [version2(0x21, 0x11, IPV4), Buffer.from('PROXY TCP4 203.0.113.9 10.0.0.1 1 2\r\n')]) {
    for (let length = 0; length < bytes.length; length += 1) {
      assert.equal(parseProxyHeader(bytes.subarray(0, length)).kind, 'incomplete', String(length));
    }
  }
});

test('what is no header is refused', () => {
  const bad = [
    Buffer.from('GET / HTTP/1.1\r\n'),
    Buffer.from('PROXY TCP4 1 10.0.0.1 1 2\r\n'),
    Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n'),
    Buffer.from(`PROXY TCP4 ${'1'.repeat(120)}`),
    version2(0x31, 0x11, IPV4),
    version2(0x21, 0x11, IPV4.subarray(0, 8)),
    version2(0x21, 0x11, Buffer.alloc(5_000)),
  ];
  for (const bytes of bad) assert.equal(parseProxyHeader(bytes).kind, 'invalid', bytes.toString('latin1'));
});

test('no bytes make it throw, and no length goes beyond what was given', () => {
  const start = fc.constantFrom(SIGNATURE, Buffer.from('PROXY '), Buffer.from('PROXY TCP6 '), Buffer.alloc(0));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, tail) => {
      const bytes = Buffer.concat([head, tail]);
      const header = parseProxyHeader(bytes);
      assert.ok(header.kind !== 'header' || header.length <= bytes.length);
    }),
    { numRuns: 2_000 },
  );
});
