import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOriginAllowed } from './origin.ts';

const ALLOWED = ['https://app.example.com', 'http://localhost:3000', 'https://Wall.example.com:8443'];

const SAME = [
  'https://app.example.com',
  'HTTPS://APP.EXAMPLE.COM',
  'https://app.example.com:443',
  'http://localhost:3000',
  'https://wall.example.com:8443',
];

const HOSTS = ['app.example.com', 'localhost:3000', 'wall.example.com:8443'];
/** Each way to imitate an allowed host, for each host and both schemes. */
const DISGUISES = [
  (host: string) => `evil-${host}`,
  (host: string) => `x.${host}`,
  (host: string) => `evil.test/${host}`,
  (host: string) => `evil.test#${host}`,
  (host: string) => `evil.test?${host}`,
  (host: string) => `${host}@evil.test`,
  (host: string) => `user@${host}`,
  (host: string) => `${host}/`,
  (host: string) => `${host}/path`,
  (host: string) => ` ${host}`,
  (host: string) => `${host.split(':')[0] ?? ''}.evil.test`,
  (host: string) => `${host.split(':')[0] ?? ''}:1`,
];
const OTHERS = HOSTS.flatMap((host) =>
  DISGUISES.flatMap((disguise) => [`https://${disguise(host)}`, `http://${disguise(host)}`]),
);
const ODD = [
  'null',
  '',
  '*',
  'app.example.com',
  'https:app.example.com',
  'https:\\\\app.example.com',
  'http://app.example.com',
];

test('an allowed origin is the same scheme, host and port, whatever the case', () => {
  for (const origin of SAME) assert.equal(isOriginAllowed(origin, ALLOWED), true, origin);
});

test('nothing that only looks like an allowed origin is one', () => {
  assert.ok(SAME.length + OTHERS.length + ODD.length >= 80);
  for (const origin of [...OTHERS, ...ODD]) assert.equal(isOriginAllowed(origin, ALLOWED), false, origin);
});

test('a star allows every origin', () => {
  for (const origin of [...SAME, ...OTHERS, ...ODD]) assert.equal(isOriginAllowed(origin, ['*']), true, origin);
});
