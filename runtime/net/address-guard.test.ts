import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRefusedAddress, judgeHost } from './address-guard.ts';

const INSIDE = { allowLoopback: false };
const OUTSIDE = { allowLoopback: true };

test('link-local, metadata, loopback, multicast and unspecified addresses are refused', async () => {
  const refused = [
    '169.254.169.254',
    '169.254.0.1',
    '169.254.170.23',
    'fe80::1',
    'fe80::a9fe:a9fe',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    '127.0.0.1',
    '127.8.9.10',
    '::1',
    '0.0.0.0',
    '0.1.2.3',
    '::',
    '224.0.0.1',
    'ff02::1',
    '255.255.255.255',
    'nonsense',
    '',
  ];
  for (const address of refused) assert.ok(isRefusedAddress(address, INSIDE), address);
  for (const host of ['[fe80::1]', '169.254.169.254', 'localhost', '2852039166', '0xa9fea9fe', '127.1']) {
    assert.equal(await judgeHost(host, INSIDE), 'refused', host);
  }
});

test('an IPv4 address that an IPv6 address carries is judged too', () => {
  const ways = [
    ['mapped', '::ffff:169.254.169.254'],
    ['mapped, in hexadecimal', '::ffff:a9fe:a9fe'],
    ['translated', '::ffff:0:169.254.169.254'],
    ['compatible', '::169.254.169.254'],
    ['NAT64', '64:ff9b::169.254.169.254'],
    ['NAT64 of a local prefix', '64:ff9b:1::169.254.169.254'],
    ['6to4', '2002:a9fe:a9fe::1'],
    ['6to4 of loopback', '2002:7f00:1::1'],
    ['Teredo server', '2001:0:a9fe:a9fe::1'],
    ['Teredo client', '2001::5601:5601'],
    ['ISATAP', '2001:db8::5efe:a9fe:a9fe'],
    ['ISATAP, of a unique address', '2001:db8::200:5efe:a9fe:a9fe'],
    ['NAT64 of a metadata service elsewhere', '64:ff9b::100.100.100.200'],
    ['mapped loopback', '::ffff:127.0.0.1'],
  ] as const;
  for (const [way, address] of ways) assert.ok(isRefusedAddress(address, INSIDE), `${way}: ${address}`);
});

test('addresses of clusters and of the world are allowed', () => {
  const allowed = [
    '10.0.0.7',
    '192.168.1.2',
    '172.20.3.4',
    '100.64.0.1',
    'fd12:3456::1',
    '203.0.113.9',
    '2001:db9::1',
    '64:ff9b::203.0.113.9',
    '2002:cb00:7109::1',
    '::ffff:10.0.0.7',
  ];
  for (const address of allowed) assert.ok(!isRefusedAddress(address, INSIDE), address);
});

test('W2: for the public internet alone, private, shared and reserved addresses are refused, carried ones too', () => {
  const policy = { allowLoopback: true, publicOnly: true };
  const refused = [
    '10.0.0.7',
    '172.16.0.1',
    '192.168.1.2',
    '100.64.0.1',
    '127.0.0.1',
    '::1',
    '192.0.2.1',
    '198.18.0.1',
    '203.0.113.9',
    '240.0.0.1',
    'fd12:3456::1',
    'fec0::1',
    '100::1',
    '2001:db8::1',
    '::ffff:10.0.0.7',
    '64:ff9b::10.0.0.7',
    '2002:a00:7::1',
    '::10.0.0.7',
    '2001::5601:5601',
  ];
  for (const address of refused) assert.ok(isRefusedAddress(address, policy), address);
  for (const address of ['8.8.8.8', '2600::1', '64:ff9b::8.8.8.8', '2002:808:808::1'])
    assert.ok(!isRefusedAddress(address, policy), address);
});

test('W2: of 100,000 addresses in every form, none in a private range is allowed', () => {
  const policy = { allowLoopback: true, publicOnly: true };
  const inside = fc.constantFrom(
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '100.64.0.0/10',
  );
  const forms: readonly ((bytes: readonly number[]) => string)[] = [
    (bytes) => bytes.join('.'),
    (bytes) => `::ffff:${bytes.join('.')}`,
    (bytes) => `::ffff:0:${bytes.join('.')}`,
    (bytes) => `64:ff9b::${bytes.join('.')}`,
    (bytes) => `64:ff9b:1::${bytes.join('.')}`,
    (bytes) => `2002:${hex(bytes)}::1`,
    (bytes) => `2001:0:${hex(bytes)}::1`,
    (bytes) => `2600::5efe:${bytes.join('.')}`,
    // As in the host of a URL: one number, octal, hexadecimal.
    (bytes) => new URL(`http://${bytes.reduce((sum, byte) => sum * 256 + byte, 0)}/`).hostname,
    (bytes) => new URL(`http://${bytes.map((byte) => `0${byte.toString(8)}`).join('.')}/`).hostname,
    (bytes) => new URL(`http://${bytes.map((byte) => `0x${byte.toString(16)}`).join('.')}/`).hostname,
  ];
  fc.assert(
    fc.property(
      inside,
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.constantFrom(...forms),
      (network, random, form) => {
        const [base = '', bits = ''] = network.split('/');
        const mask = 2 ** (32 - Number(bits));
        const number = base.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0) + (random % mask);
        const bytes = [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256);
        assert.ok(isRefusedAddress(form(bytes), policy), form(bytes));
      },
    ),
    { numRuns: 100_000 },
  );
});

const hex = ([a = 0, b = 0, c = 0, d = 0]: readonly number[]) =>
  `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;

test('loopback alone follows the policy', () => {
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
    assert.ok(!isRefusedAddress(address, OUTSIDE), address);
    assert.ok(isRefusedAddress(address, INSIDE), address);
  }
  assert.ok(isRefusedAddress('169.254.169.254', OUTSIDE));
});

test('a name without an address is unknown', async () => {
  assert.equal(await judgeHost('nowhere.invalid', INSIDE), 'unknown_host');
});
