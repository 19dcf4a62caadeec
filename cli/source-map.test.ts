import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sourceMapCommand, type SourceMapFlags } from './source-map.ts';

const RECORDINGS = fileURLToPath(new URL('../source/fixtures/recordings/', import.meta.url));
const BUSY = join(RECORDINGS, 'asterisk-22/ami/rejected_busy.ndjson');
const TRUNK = join(RECORDINGS, 'freeswitch-1.11/mod_amqp/rejected_busy.ndjson');

async function run(file: string, flags: SourceMapFlags, input: Readable = Readable.from([])) {
  const [output, errors] = [new PassThrough(), new PassThrough()];
  const running = sourceMapCommand(file, flags, { input, output, errors });
  const [code, shown, told] = await Promise.all([
    running.finally(() => {
      output.end();
      errors.end();
    }),
    textOf(output),
    textOf(errors),
  ]);
  const events = shown.split('\n').filter((line) => line !== '');
  return { code, events: events.map((line) => JSON.parse(line) as Record<string, unknown>), told };
}

async function inFile<T>(content: string, use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-map-'));
  try {
    const file = join(folder, 'source.yaml');
    await writeFile(file, content);
    return await use(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('prints the events that a recording becomes, and on the standard error what was dropped and why', async () => {
  const { code, events, told } = await run(BUSY, { as: 'asterisk-ami' });
  assert.equal(code, 0);
  assert.deepEqual(
    events.map((event) => event['Event-Name']),
    ['CHANNEL_CREATE', 'CHANNEL_CREATE', 'CHANNEL_PROGRESS', 'CHANNEL_DESTROY', 'CHANNEL_DESTROY'],
  );
  assert.match(told, /^read: 16 events; mapped: 5; dropped: 11; lines that could not be read: 0\n/);
  assert.match(told, /^ {2}account: acme 5$/m);
  assert.match(told, /^ {2}dropped: not_mapped NewConnectedLine 2$/m);
  assert.match(told, /^ {2}reason: not_mapped 11: the catalogue has no name for it/m);
});

test('reads the standard input, and adds id and account with --meta', async () => {
  const { events } = await run(
    '-',
    { as: 'asterisk-ami', meta: true, endpoint: 'pbx7' },
    Readable.from([await readFile(BUSY)]),
  );
  assert.equal(events.length, 5);
  assert.match(String(events[0]?.['Call-ID']), /@pbx7$/);
  const meta = events[0]?.['_firehose'] as Record<string, unknown>;
  assert.match(String(meta['id']), /^ast\.pbx7\.pbx1-\d+\.8\.CREATE$/);
  assert.equal(meta['account_id'], 'acme');
});

test('follows the rules of a source.yaml, and of a FirehoseSource', async () => {
  const spec = { accounts: { variable: 'none', rules: [{ match: { context: 'default' }, account: 'ruled' }] } };
  const manifest = { apiVersion: 'firehose.dev/v1alpha1', kind: 'FirehoseSource', metadata: { name: 'pbx' }, spec };
  for (const content of [spec, manifest, { ...spec, redis: {}, freeswitch: { park: 'None', endpoints: [] } }]) {
    const { code, told } = await inFile(JSON.stringify(content), (config) => run(TRUNK, { as: 'freeswitch', config }));
    assert.equal(code, 0);
    assert.match(told, /^ {2}account: ruled 4$/m);
  }
});

test('says that accounts of a directory are not read', async () => {
  const config = 'accounts: { fromDirectory: true }';
  const { told } = await inFile(config, (file) => run(TRUNK, { as: 'freeswitch', config: file }));
  assert.match(told, /^note: accounts\.fromDirectory: no directory is read here, only the rules count\n/);
});

test('says all that is wrong with the configuration at once, with code 2', async () => {
  const config =
    'accounts: { holdCreate: 1h, rules: [{ match: {}, account: acme }] }\nprivacy: { keep: ["*"] }\nnope: 1\n';
  const { code, events, told } = await inFile(config, (file) =>
    run(BUSY, { as: 'pbx', endpoint: 'A B', config: file }),
  );
  assert.deepEqual([code, events.length], [2, 0]);
  assert.equal(told.split('\n').filter((line) => line.startsWith('error: ')).length, 6, told);
  assert.match(told, /^error: --as names the switch: one of kazoo, freeswitch, asterisk-ami, asterisk-ari$/m);
  assert.match(told, /accounts\.holdCreate/);
  const missing = await run(BUSY, { as: 'freeswitch', config: '/nowhere/source.yaml' });
  assert.match(missing.told, /^error: \/nowhere\/source\.yaml: cannot be read \(ENOENT\)$/m);
});

test('names the lines that cannot be read, with code 1, and a file that cannot be read, with code 2', async () => {
  const lines = ['{"Event":"Newchannel"', '\u001b[2J', '7'].join('\n');
  const bad = await run('-', { as: 'asterisk-ari' }, Readable.from([Buffer.from(lines)]));
  assert.equal(bad.code, 1);
  assert.match(bad.told, /^error: -:1: not JSON: it breaks off\nerror: -:2: not JSON\nerror: -:3: not a JSON object\n/);
  assert.match(bad.told, /nothing was mapped: is this a capture of asterisk-ari\?/);
  for (const [file, reason] of [
    ['/nowhere.ndjson', 'ENOENT'],
    [RECORDINGS, 'EISDIR'],
  ] as const) {
    const { code, told } = await run(file, { as: 'kazoo' });
    assert.equal(code, 2);
    assert.match(told, new RegExp(`^error: ${file}: cannot be read \\(${reason}\\)$`, 'm'));
  }
});

test('ends quietly when nobody reads on', async () => {
  const child = spawn(process.execPath, [
    fileURLToPath(new URL('firehose.ts', import.meta.url)),
    'source',
    'map',
    '--as',
    'asterisk-ami',
    '-',
  ]);
  const event = (await readFile(BUSY)).toString();
  const told = textOf(child.stderr);
  child.stdin.on('error', () => undefined);
  child.stdout.once('data', () => child.stdout.destroy());
  // More than pipes buffer, each time with other channels.
  for (let round = 0; round < 400; round += 1)
    child.stdin.write(event.replaceAll('1795986228.', `17959862${round}28.`));
  child.stdin.end();
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once('exit', resolve);
  assert.equal(await promise, 0);
  assert.doesNotMatch(await told, /error|EPIPE/i);
});
