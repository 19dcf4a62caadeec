import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { environmentHelp, flagsOf, markdownOf, namesOfKind, withFlags } from './describe.ts';
import { decimal, host, integer, list, oneOf, port, secret, truth } from './kinds.ts';
import { readSettings } from './read-settings.ts';
import { setting, type SettingsTable } from './setting.ts';

const TABLE = {
  T_HOST: setting(host, { flag: 'host', fallback: '::', about: 'address' }),
  T_PORT: setting(port, { flag: 'inner-port', fallback: '9090', about: 'port' }),
  T_RATE: setting(decimal('<calls>', 'calls from 0 to 10', 10), { shown: '2', about: 'rate' }),
  T_IMAGE: setting(oneOf('<image>', ['a', 'b', 'c']), { required: 'the image, as a', about: 'image | tag' }),
  T_MODE: setting(truth, { flag: 'mode', fallback: 'false', about: 'mode' }),
  T_NAMES: setting(list('<names>', 'names', /^[a-z]+$/), { about: 'names' }),
  T_URL: setting(secret, { about: 'URL' }),
} as const satisfies SettingsTable;

describe('a table of settings', () => {
  test('gives typed values with defaults, and null for what is not given', () => {
    const { values, faults } = readSettings(TABLE, { T_IMAGE: 'a', T_PORT: '8080', T_NAMES: 'x, y,', T_HOST: '' });
    assert.deepEqual(faults, []);
    assert.deepEqual(values, {
      T_HOST: '::',
      T_PORT: 8_080,
      T_RATE: null,
      T_IMAGE: 'a',
      T_MODE: false,
      T_NAMES: ['x', 'y'],
      T_URL: null,
    });
  });

  test('ignores blanks and line ends around a value, whatever wrote them', () => {
    const { values, faults } = readSettings(TABLE, { T_IMAGE: ' b\n', T_PORT: '9443\r\n', T_URL: '\tredis://host \n' });
    assert.deepEqual([faults, values.T_IMAGE, values.T_PORT, values.T_URL], [[], 'b', 9_443, 'redis://host']);
    assert.match(readSettings(TABLE, { T_IMAGE: ' \n' }).faults.join(), /T_IMAGE: the image/);
  });

  test('names every fault at once with what it expects, and repeats no value', () => {
    const wrong = {
      T_PORT: '1e3',
      T_RATE: '11',
      T_MODE: 'yes',
      T_NAMES: 'canary!',
      T_URL: 'canary\r\nAUTH',
      T_IMAGE: 'd',
    };
    const { faults, values } = readSettings(TABLE, wrong);
    assert.deepEqual(faults, [
      'environment: T_PORT: a port from 0 (any free one) to 65535',
      'environment: T_RATE: calls from 0 to 10',
      'environment: T_IMAGE: one of a, b or c',
      'environment: T_MODE: true or false',
      'environment: T_NAMES: names',
      'environment: T_URL: one line without control characters',
    ]);
    assert.equal(values.T_PORT, 9_090);
  });

  test('an address has no port and no brackets: the port has a setting of its own', () => {
    const read = (given: string) => readSettings(TABLE, { T_HOST: given, T_IMAGE: 'a' });
    for (const given of ['*', 'localhost', 'a.example.com', '127.0.0.1', '::', '2001:db8::1', 'fe80::1%eth0']) {
      assert.deepEqual([read(given).faults, read(given).values.T_HOST], [[], given]);
    }
    for (const given of [
      '[::1]',
      '[::1]:9090',
      'localhost:9090',
      '127.0.0.1:9090',
      'fe80::1:2:3:4:5:6:7:9090',
      'a b',
      'http://a',
    ]) {
      assert.match(read(given).faults.join(), /T_HOST: an address without a port, IPv6 without brackets/, given);
    }
  });

  test('is the command line too: a flag wins over its variable', () => {
    assert.deepEqual(
      flagsOf(TABLE).map(({ form, key, variable }) => [form, key, variable]),
      [
        ['--host <address>', 'host', 'T_HOST'],
        ['--inner-port <port>', 'innerPort', 'T_PORT'],
        ['--mode <true|false>', 'mode', 'T_MODE'],
      ],
    );
    assert.equal(flagsOf(TABLE)[1]?.help, 'port (default: 9090) [T_PORT]');
    const merged = withFlags(TABLE, { T_PORT: '1', T_URL: 'u' }, { innerPort: '2', json: true });
    assert.deepEqual(merged, { T_PORT: '2', T_URL: 'u' });
    assert.match(environmentHelp(TABLE), /By the environment alone:\n {2}T_RATE\n {6}rate \(default: 2\)\n {2}T_IMAGE/);
  });

  test('is the documentation too, and what errors name', () => {
    const lines = markdownOf(TABLE).split('\n');
    assert.equal(lines.length, 2 + Object.keys(TABLE).length);
    assert.equal(lines[3], '| `T_PORT` | `--inner-port` | 9090 | port |');
    assert.equal(lines[5], '| `T_IMAGE` |  | required | image \\| tag |');
    const two = { ...TABLE, T_OTHER: setting(port, { about: 'x' }) };
    const named = (value: number) => namesOfKind(two, port, { environment: { T_PORT: '7', T_OTHER: '8' }, value });
    assert.deepEqual([named(7), named(8), named(9)], ['T_PORT', 'T_OTHER', 'T_PORT or T_OTHER']);
  });

  test('counts in plain digits only', () => {
    const kind = integer('<n>', 'n', 1, 100);
    const read = ['1', '100', '0', '101', '0x10', '1e1', '1.0', '-1', '', '٣'].map((text) => kind.read(text));
    assert.deepEqual(read, [1, 100, null, null, null, null, null, null, null, null]);
  });
});
