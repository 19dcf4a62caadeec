import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../../runtime/redis/client.ts';
import type { AsteriskPorts } from '../../../testing/asterisk/configuration.ts';
import { startRedis } from '../../../testing/redis-server.ts';
import { until } from '../../../testing/until.ts';
import { stored } from '../../collector/testing/replicas.ts';
import { runFirstTry } from '../../testing/first-try.ts';
import { hear, setStage, stateOf } from '../testing/stage.ts';

const THIS = 'source/asterisk/switches/first-try.asterisk.test.ts';
const PASSWORD = 'canary-of-the-pbx';
const LIMIT = { timeout: 110_000 };

/** The configuration from docs/sources.md, with the ports, keys, addresses and password of this machine. */
async function documented(): Promise<(ports: AsteriskPorts, keys: string) => Record<string, string>> {
  const page = await readFile(new URL('../../../docs/sources.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/<!-- run: (.+) -->\n\n```ini\n; (\w+\.conf)\n([\s\S]*?)```/g)];
  const files = blocks.filter(([, run]) => run === THIS).map(([, , name = '', text = '']) => [name, text] as const);
  assert.deepEqual(files.map(([name]) => name).toSorted(), ['ari.conf', 'http.conf', 'manager.conf']);
  return (ports, keys) => {
    const plainPorts: Record<string, string> = {
      'manager.conf': `port = ${ports.ami}`,
      'http.conf': `bindport = ${ports.http}`,
    };
    const here = (name: string, text: string) =>
      text
        .replaceAll('/etc/asterisk/keys', keys)
        .replace('0.0.0.0:5039', `127.0.0.1:${ports.amiTls}`)
        .replace('0.0.0.0:8089', `127.0.0.1:${ports.https}`)
        .replace('10.1.0.0/255.255.0.0', '127.0.0.1/255.255.255.255')
        .replace('enabled = yes', `enabled = yes\n${plainPorts[name] ?? ''}`)
        .replaceAll('CHANGE-ME', PASSWORD);
    return Object.fromEntries(files.map(([name, text]) => [name, here(name, text)]));
  };
}

test('the five commands of docs/sources.md bring a call of an Asterisk into the log', LIMIT, async () => {
  await using redis = await startRedis();
  await using stage = await setStage({ files: await documented() });
  const reader = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  const folder = await mkdtemp(join(tmpdir(), 'firehose-first-try-'));
  try {
    assert.ok(await becomesReady(reader, 30_000));
    await writeFile(join(folder, 'asterisk'), `#!/bin/sh\nexec ${stage.asterisk.cli.join(' ')} "$@"\n`, {
      mode: 0o755,
    });
    await copyFile(stage.certificates.caFile, join(folder, 'ca.crt'));
    await using tried = runFirstTry(THIS, {
      folder,
      path: `${folder}:/usr/sbin`,
      variables: { AMI_SECRET: PASSWORD },
      replace: {
        'host: pbx1.example.com': `host: localhost, port: ${stage.asterisk.ports.amiTls}`,
        'redis://localhost:6379': redis.url,
      },
    });
    await until('it listens', () => tried.output(), { holds: (seen) => seen.includes('listening to the switch') });
    const [alice, bob] = [await stage.phone('1001'), await stage.phone('1002')];
    const call = alice.call('1002');
    const leg = await bob.called();
    leg.ring();
    leg.answer();
    await stateOf(call, 'up');
    const names = async () => (await stored(reader, 'firehose:')).map(({ name }) => name);
    await until('the pair is bridged', async () => (await names()).includes('CHANNEL_BRIDGE'));
    call.hangUp();
    const seen = await until('the call is in the log', names, {
      holds: (all) => all.filter((name) => name === 'CHANNEL_DESTROY').length === 2,
    });
    assert.equal(seen.length, 9);
    assert.match(await stage.asterisk.command('manager show connected'), /firehose/);
    assert.doesNotMatch(tried.output(), /canary/, 'S12');
  } finally {
    reader.disconnect();
    await rm(folder, { recursive: true });
  }
});

test('ARI listens by the lines of docs/sources.md', LIMIT, async () => {
  await using stage = await setStage({ files: await documented() });
  const heard = hear('ARI');
  await using connection = await stage.open('ARI', heard, { password: PASSWORD });
  const alice = await stage.phone('1001');
  const call = alice.call('620');
  await stateOf(call, 'up');
  call.hangUp();
  await until('the call has ended', () => heard.mapped.some(({ name }) => name === 'CHANNEL_DESTROY'));
  assert.ok(heard.mapped.every(({ json }) => json.includes('"Call-Interaction-ID"')));
  assert.equal(connection.degraded, null);
});
