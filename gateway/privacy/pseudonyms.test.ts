import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PseudonymKey } from '../../protocol/pseudonym-keys.ts';
import { createLive } from '../../runtime/lifecycle/live.ts';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { until } from '../../testing/until.ts';
import { followPseudonymKeys } from './follow-keys.ts';
import { createPseudonyms } from './pseudonyms.ts';

const keyOf = (id: string, from: number): PseudonymKey => ({ id, secret: Buffer.from(id.repeat(32)), from });
const ofLog = (text: string) => `log-${text}`;
const secret = (letter: string) => Buffer.from(letter.repeat(32)).toString('base64');

test('V5: without keys of the platform the key of the log makes them', () => {
  assert.equal(createPseudonyms({ keys: null, ofLog })('p', '4930', 5), 'p_log-p:4930');
});

test('within a period a number has one pseudonym, in the next one another, and a replica that reads late says the same', () => {
  const keys = [keyOf('a', 0), keyOf('b', 1_000)];
  const first = createPseudonyms({ keys: createLive(keys), ofLog });
  const second = createPseudonyms({ keys: createLive(keys), ofLog });
  const [before, after] = [first('p', '4930', 999), first('p', '4930', 1_000)];
  assert.match(before, /^pa_[\w-]{16}$/);
  assert.match(after, /^pb_[\w-]{16}$/);
  assert.notEqual(before.slice(3), after.slice(3));
  assert.deepEqual([second('p', '4930', 1_500), second('p', '4930', 1)], [after, before]);
  assert.notEqual(first('n', '4930', 1).slice(3), before.slice(3));
});

test('a key that is added before its time changes nothing until then, and needs no restart', () => {
  const keys = createLive([keyOf('a', 0)]);
  const pseudonym = createPseudonyms({ keys, ofLog });
  const before = pseudonym('p', '4930', 500);
  keys.set([keyOf('a', 0), keyOf('b', 1_000)]);
  assert.equal(pseudonym('p', '4930', 500), before);
  assert.match(pseudonym('p', '4930', 1_000), /^pb_/);
});

test('V5: the file of keys is followed; a faulty one leaves the last good keys, and no line repeats anything of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pseudonyms-'));
  const stop = new AbortController();
  const { lines, logger } = recordedLogger('debug');
  try {
    const path = join(folder, 'pseudonym-keys.json');
    const first = { id: '1', key: secret('a') };
    await writeFile(path, JSON.stringify([first]));
    const keys = await followPseudonymKeys({ path, logger, signal: stop.signal, intervalMs: 10 });
    await writeFile(path, JSON.stringify([first, { id: '2', key: 'c2hvcnQ=', from: '2999-01-01T00:00:00Z' }]));
    await until('the fault', () => lines.some((line) => line.includes('the key 2 is shorter')));
    assert.deepEqual(
      keys.current.map(({ id }) => id),
      ['1'],
    );
    await writeFile(path, JSON.stringify([first, { id: '2', key: secret('b'), from: '2000-01-01T00:00:00Z' }]));
    await until('the new key', () => keys.current.length === 2);
    assert.ok(lines.some((line) => line.includes('arrived after its start time')));
    for (const line of lines) {
      for (const hidden of [secret('a'), secret('b'), 'c2hvcnQ=']) assert.ok(!line.includes(hidden.slice(0, 8)), line);
    }
  } finally {
    stop.abort();
    await rm(folder, { recursive: true });
  }
});

test('V5: a faulty file at the start is a fault of the configuration', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pseudonyms-'));
  try {
    const path = join(folder, 'keys');
    await writeFile(path, '[]');
    const { logger } = recordedLogger('debug');
    const opened = followPseudonymKeys({ path, logger, signal: new AbortController().signal });
    await assert.rejects(opened, /FIREHOSE_PSEUDONYM_KEYS_FILE: .*is not as/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
