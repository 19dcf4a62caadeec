import { clientFrame } from './raw-client.ts';

/** Hostile input: made from a seed, so that a run can be repeated. `random` returns numbers in [0, 1). */
export type Random = () => number;

export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    // mulberry32: in contrast to a plain congruence its low bits do not repeat after a few steps.
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

const TARGETS = ['//ws/v1', '/ws/../v1', '/%00ws/v1', '/%zz', 'http://evil.example.com/ws', '*', '//host@x:99999/ws'];
const HEADERS = ['Content-Length: -1', 'Transfer-Encoding: chunked', 'Host: two', ' folded', 'No Colon', 'A\0: b', ':'];
const ORIGINS = ['null', 'https://', 'file://x', 'https://a.example.com, https://b.example.com', '\x7f', '%0d%0aX: y'];

/** Faulty handshakes. Each function turns a correct one into a faulty one. */
export const WRONG_HANDSHAKES: readonly ((right: string, random: Random) => string)[] = [
  (right, random) => right.replace('GET', oneOf(random, ['POST', 'PUT', 'get', 'PRI', 'CONNECT', '', '\0'])),
  (right, random) => right.replace('Version: 13', `Version: ${oneOf(random, ['', '8', '013', '13, 8', '1e1', '-13'])}`),
  (right, random) => right.replace(/Key: \S+/, `Key: ${'A'.repeat(random() * 40)}`),
  (right, random) => right.replace('/ws/v1', oneOf(random, TARGETS)),
  (right, random) => right.replace('websocket\r', `${oneOf(random, ['h2c', 'websocket, h2c', '', 'WebSocketX'])}\r`),
  (right) => right.replace('Host: localhost\r\n', ''),
  (right, random) => right.replace('HTTP/1.1', oneOf(random, ['HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 x', 'XTTP/1.1', ''])),
  (right, random) => right.replace('Host:', `X: ${'y'.repeat(8_192 + random() * 60_000)}\r\nHost:`),
  (right, random) => right.replace('Host:', `${'X: y\r\n'.repeat(60 + random() * 2_000)}Host:`),
  (right, random) => right.replace('token=', `token=a&token=b${Math.floor(random() * 9)}&token=`),
  (right, random) => right.replace('token=', oneOf(random, ['token=%00', 'token=%zz', 'token=%ff', 'token=%0d%0aX:1'])),
  (right, random) => right.replace('token=', `token=${'a'.repeat(random() * 9_000)}`),
  (right, random) => right.replace('Host:', `${oneOf(random, HEADERS)}\r\nHost:`),
  (right, random) => right.replace('Host:', `Origin: ${oneOf(random, ORIGINS)}\r\nHost:`),
  (right) => right.replace('Host:', 'Authorization: Basic abc\r\nHost:').replace(/token=[^ ]*/, ''),
  (right) => right.replace('Sec-WebSocket-Key', 'Sec-WebSocket-Protocol: a,,b\r\nSec-WebSocket-Keys'),
  (right) => right.replace('Version: 13', 'Version: 12') + right + right,
  (right, random) => right.replace('Key:', 'Not:') + randomBytes(random, 200).toString('latin1'),
  (right, random) => right.slice(0, random() * (right.length - 1)),
  (right, random) => right.replaceAll('\r\n', oneOf(random, ['\n', '\r', '\n\r', '\r\r\n'])),
  (right, random) =>
    Array.from(right, (is) => (random() < 0.02 ? randomBytes(random, 1).toString('latin1') : is)).join(''),
];

const TOKEN_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';

/** A token close to a correct one: a character changed, lost or added, or an end cut off. */
export function mutateToken(token: string, random: Random): string {
  // The last character's low bits are padding: a different character can have the same signature.
  const at = Math.floor(random() * (token.length - 1));
  const other = oneOf(
    random,
    Array.from(TOKEN_CHARACTERS).filter((character) => character !== token[at]),
  );
  const ways = [
    token.slice(0, at) + other + token.slice(at + 1),
    token.slice(0, at) + token.slice(at + 1),
    token.slice(0, at) + other + token.slice(at),
    token.slice(0, at),
    token.slice(at + 1),
  ];
  return oneOf(random, ways);
}

/** An unsigned token, with the claims of a correct one under another header, or without a header. */
export function forgeToken(token: string, random: Random): string {
  const [head = '', claims = '', signature = ''] = token.split('.');
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const noise = randomBytes(random, 1 + random() * 64).toString('base64url');
  return oneOf(random, [
    `${encode({ alg: 'none' })}.${claims}.`,
    `${encode({ alg: 'none', typ: 'JWT' })}.${claims}.${signature}`,
    `${encode({ alg: oneOf(random, ['HS256', 'RS256', 'EdDSA', 'ES256', 'nOnE']), kid: noise })}.${claims}.${noise}`,
    `${head}.${encode({ sub: noise, exp: 9_999_999_999 })}.${signature}`,
    `${head}.${claims}.${noise}`,
    `${head}..${signature}`,
    `${noise}.${noise}.${noise}`,
    '.'.repeat(1 + random() * 5),
    noise,
  ]);
}

/** Frames of one connection, correct and faulty ones mixed; the last may be cut off. */
export function randomFrames(count: number, random: Random): Buffer {
  const wild = oneOf(random, [0, 0.002, 0.02, 0.2]);
  const frames = Array.from({ length: count }, () => (random() < wild ? wildFrame(random) : rightFrame(random)));
  const bytes = Buffer.concat(frames);
  return random() < 0.3 ? bytes.subarray(0, bytes.length - Math.floor(random() * 40)) : bytes;
}

/** Mostly pongs, and some of the others, including fragmented texts. */
function rightFrame(random: Random): Buffer {
  const key = randomBytes(random, 4);
  if (random() < 0.9) return clientFrame(10, randomBytes(random, random() * 126), { key });
  const half = () => clientFrame(0, 'x'.repeat(random() * 500), { key });
  return oneOf(random, [
    () => clientFrame(9, randomBytes(random, random() * 126), { key }),
    () => clientFrame(2, randomBytes(random, random() * 4_096), { key }),
    () => Buffer.concat([clientFrame(1, 'ü', { fin: false, key }), clientFrame(10, '', { key }), half()]),
  ])();
}

function wildFrame(random: Random): Buffer {
  return clientFrame(Math.floor(random() * 16), randomBytes(random, random() * 300), {
    fin: random() < 0.5,
    reserved: random() < 0.3 ? Math.floor(random() * 8) : 0,
    masked: random() < 0.8,
    key: randomBytes(random, 4),
    ...(random() < 0.3 && { length: Math.floor(random() * oneOf(random, [126, 70_000, 2 ** 31])) }),
  });
}
