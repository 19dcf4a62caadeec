import assert from 'node:assert/strict';
import type { LookupAddress, lookup } from 'node:dns';
import { isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRefusedAddress } from './address-guard.ts';
import { AddressRefused, guardedLookup } from './guarded-socket.ts';

/** Of a receiver without the platform's approval. */
const PUBLIC = { allowLoopback: false, publicOnly: true, ports: [443] };
const RUNS = { numRuns: 100_000, seed: 20_261_130 };

const FORBIDDEN = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
const ALLOWED = ['1.0.0.0/10', '8.0.0.0/9', '52.0.0.0/8', '93.184.216.0/24', '185.0.0.0/8'];
const FORBIDDEN_IPV6 = ['::', '::1', 'fe80::', 'fc00::', 'fd00:ec2::', 'fd20:ce::', 'fec0::', 'ff02::', '2001:db8::'];

const group = (high = 0, low = 0) => (high * 256 + low).toString(16);
/** Ways to write an IPv4 address, or to carry it in an IPv6 address. */
const FORMS: readonly ((bytes: readonly number[]) => string)[] = [
  (bytes) => bytes.join('.'),
  (bytes) => `::ffff:${bytes.join('.')}`,
  ([a, b, c, d]) => `::ffff:${group(a, b)}:${group(c, d)}`,
  (bytes) => `64:ff9b::${bytes.join('.')}`,
  ([a, b, c, d]) => `2002:${group(a, b)}:${group(c, d)}::1`,
  (bytes) => `2600::5efe:${bytes.join('.')}`,
];

/** An address of one of these networks. */
function within(networks: readonly string[]) {
  const pick = fc.tuple(fc.constantFrom(...networks), fc.nat(2 ** 32 - 1), fc.constantFrom(...FORMS));
  return pick.map(([network, random, form]) => {
    const [base = '', bits = ''] = network.split('/');
    const start = base.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
    const number = start + (random % 2 ** (32 - Number(bits)));
    return form([24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256));
  });
}

interface Address {
  readonly address: string;
  readonly isForbidden: boolean;
}

const forbidden = fc
  .oneof(
    { weight: 5, arbitrary: within(FORBIDDEN) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...FORBIDDEN_IPV6), fc.nat(0xff_ff))
        .map(([prefix, rest]) => (prefix.length > 3 ? `${prefix}${rest.toString(16)}` : prefix)),
    },
  )
  .map((address): Address => ({ address, isForbidden: true }));
const allowed = within(ALLOWED).map((address): Address => ({ address, isForbidden: false }));
const address = fc.oneof(forbidden, allowed);

/** What a guarded lookup makes of a DNS answer, as `net.connect` calls it. */
function judged(answer: readonly Address[], all: boolean): unknown {
  const found = answer.map((one): LookupAddress => ({ address: one.address, family: isIPv6(one.address) ? 6 : 4 }));
  const resolve = ((_: string, __: unknown, done: (error: null, list: LookupAddress[]) => void) =>
    done(null, found)) as unknown as typeof lookup;
  let outcome: unknown = 'no answer';
  guardedLookup(PUBLIC, resolve)('crm.example.com', { all }, (error, result) => {
    outcome = error ?? result;
  });
  return outcome;
}

test('W2: of 100,000 DNS answers that change from connection to connection, none leads to a refused address', () => {
  fc.assert(
    fc.property(
      // Answers of the same name, one for each connection: rebinding.
      fc.array(fc.array(address, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      (answers, all) => {
        for (const answer of answers) {
          const outcome = judged(answer, all);
          if (answer.some(({ isForbidden }) => isForbidden)) assert.ok(outcome instanceof AddressRefused);
          else if (all) assert.deepEqual((outcome as LookupAddress[]).length, answer.length);
          else assert.equal(outcome, answer[0]?.address);
        }
      },
    ),
    RUNS,
  );
});

test('W2: of 100,000 URLs whose host is an address in any notation, none of a refused address is connected to', () => {
  const notations: readonly ((address: string) => string)[] = [
    (text) => (text.includes(':') ? `[${text}]` : text),
    (text) => (text.includes(':') ? `[${text.toUpperCase()}]` : `${text}.`),
    (text) =>
      text.includes(':')
        ? `[${text}]`
        : text
            .split('.')
            .map((byte) => `0${Number(byte).toString(8)}`)
            .join('.'),
    (text) => (text.includes(':') ? `[${text}]` : `0x${hexOf(text)}`),
    (text) => (text.includes(':') ? `[${text}]` : String(Number.parseInt(hexOf(text), 16))),
  ];
  fc.assert(
    fc.property(address, fc.constantFrom(...notations), ({ address: text, isForbidden }, notation) => {
      const { hostname } = new URL(`https://${notation(text)}/hook`);
      // A name with a dot at its end is resolved, and then judged like any other.
      const host = hostname.replace(/^\[|\]$|\.$/g, '');
      assert.equal(isRefusedAddress(host, PUBLIC), isForbidden, `${text} as ${hostname}`);
    }),
    RUNS,
  );
});

function hexOf(dotted: string): string {
  return dotted
    .split('.')
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .join('');
}
