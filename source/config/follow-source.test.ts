import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { until } from '../../testing/until.ts';
import { readSource, type FollowedConfig, type SourcePlaces } from '../source-config.ts';
import { followSource } from './follow-source.ts';

let folder: string;
let places: SourcePlaces;
const stop = new AbortController();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firehose-follow-'));
  places = { file: join(folder, 'source.yaml'), bareName: 'a/b', secretsFolder: folder, directoryFile: null };
  await mkdir(join(folder, 'esl'));
  await secret('first-canary');
});
afterEach(async () => {
  stop.abort();
  await rm(folder, { recursive: true });
});

/** In one step: a reader would take the file of an unfinished write for another one. */
const replace = async (file: string, text: string) => {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
};
const secret = (password: string) => replace(join(folder, 'esl/password'), password);
const endpoint = (name: string, host = name) => ({ name, host, credentialsSecretRef: { name: 'esl' } });
const write = (spec: object) => replace(places.file, JSON.stringify(spec));
const freeswitch = (...endpoints: object[]) => ({ freeswitch: { endpoints } });

test('endpoints, credentials and rules are followed; the rest waits for a restart, and a fault changes nothing', async () => {
  await write(freeswitch(endpoint('fs1'), endpoint('fs2')));
  const { value: initial } = await readSource(places);
  assert.ok(initial);
  const changes: FollowedConfig[] = [];
  const { lines, logger } = recordedLogger('info');
  const following = followSource({
    places,
    initial,
    onChange: (config) => changes.push(config),
    logger,
    signal: stop.signal,
    intervalMs: 10,
  });
  const said = (what: RegExp) => until(`a line with ${what.source}`, () => lines.some((line) => what.test(line)));
  const change = async (number: number) => {
    await until(`change ${number}`, () => changes.length, { holds: (seen) => seen >= number });
    assert.equal(changes.length, number);
    return changes[number - 1] ?? assert.fail();
  };

  await write(freeswitch(endpoint('fs1'), endpoint('fs2', 'elsewhere'), endpoint('fs3')));
  const moved = await change(1);
  assert.deepEqual(
    moved.endpoints.map((one) => [one.name, one === initial.endpoints.find(({ name }) => name === one.name)]),
    [
      ['fs1', true],
      ['fs2', false],
      ['fs3', false],
    ],
  );

  await secret('second-canary');
  const changed = await change(2);
  assert.ok(
    changed.endpoints.every((one) => one.kind === 'freeswitch' && one.credentials.password === 'second-canary'),
  );

  await write({ ...freeswitch(endpoint('fs1')), accounts: { rules: [{ match: { did: '1' }, account: 'a' }] } });
  assert.equal((await change(3)).rules.length, 1);

  await write({ freeswitch: { endpoints: [] } });
  await said(/is refused.*endpoints/);
  await write({
    ...freeswitch(endpoint('fs1')),
    accounts: { rules: [{ match: { did: '1' }, account: 'a' }] },
    lostCalls: 'None',
  });
  await said(/take effect after a restart/);
  assert.ok(lines.some((line) => line.includes('spec.lostCalls')));
  await write({ simulator: { accounts: [{ id: 'a', name: 'a', realm: 'a.b' }] } });
  await said(/spec\.simulator/);
  assert.equal(changes.length, 3);
  assert.doesNotMatch(lines.join(''), /canary/);
  stop.abort();
  await following;
});
