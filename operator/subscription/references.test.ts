import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { tlsPair } from '../testing/tls-pair.ts';
import { resolveReferences } from './references.ts';

const NOW = Date.now();
const DAY_MS = 86_400_000;

/** The problems of a resource that names three Secrets with this content. */
async function problemsOf(held: {
  readonly tls: Readonly<Record<string, string | Buffer>>;
  readonly url?: string | Buffer;
  readonly authority?: string;
  readonly client?: Readonly<Record<string, string>>;
}): Promise<readonly string[]> {
  const good = await tlsPair();
  const secrets: Readonly<Record<string, Readonly<Record<string, string | Buffer>>>> = {
    url: { url: held.url ?? 'rediss://redis:6379' },
    tls: held.tls,
    client: held.client ?? good,
    authority: { 'ca.crt': held.authority ?? good['tls.crt'] },
  };
  const subscription = subscriptionSchema.parse({
    apiVersion: 'firehose.dev/v1alpha1',
    kind: 'FirehoseSubscription',
    metadata: { name: 'acme', namespace: 'voice' },
    spec: {
      account: { id: 'root' },
      redis: {
        urlSecretRef: { name: 'url' },
        tls: { caSecretRef: { name: 'authority' }, clientCertSecretName: 'client' },
      },
      gateway: { tls: { secretName: 'tls' } },
    },
  });
  const { problems } = await resolveReferences(subscription, {
    refusal: () => null,
    now: () => NOW,
    async read(name) {
      const data = Object.entries(secrets[name] ?? {}).map(([key, text]) => [
        key,
        Buffer.from(text).toString('base64'),
      ]);
      return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: Object.fromEntries(data) as object };
    },
  });
  return problems;
}

test('certificates that are in force, with their own keys, are no problem', async () => {
  const pair = await tlsPair();
  const former = await tlsPair({ now: NOW - 10 * DAY_MS });
  assert.deepEqual(await problemsOf({ tls: pair }), []);
  // A bundle may keep older authorities.
  assert.deepEqual(await problemsOf({ tls: pair, authority: former['tls.crt'] + pair['tls.crt'] }), []);
});

test('a pair that no server can use is named by field, Secret and key, with what to do', async () => {
  const [pair, other, former] = [await tlsPair(), await tlsPair(), await tlsPair({ now: NOW - 10 * DAY_MS })];
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [
      { ...pair, 'tls.key': other['tls.key'] },
      /Secret tls has in tls.key another key than that of tls.crt: replace both/,
    ],
    [former, /Secret tls has in tls.crt a certificate that ended at 20\d\d-.*: renew it/],
    [{ ...pair, 'tls.crt': 'x' }, /Secret tls has no certificate in PEM form in tls.crt/],
    [
      { ...pair, 'tls.key': pair['tls.crt'] },
      /Secret tls has no private key in PEM form without a passphrase in tls.key/,
    ],
    [{ 'tls.crt': pair['tls.crt'] }, /Secret tls has no tls.key/],
  ];
  for (const [tls, expected] of cases) {
    const problems = await problemsOf({ tls });
    assert.equal(problems.length, 1, problems.join());
    assert.match(problems[0] ?? '', new RegExp(`^gateway\\.tls\\.secretName: the ${expected.source}`));
    assert.doesNotMatch(problems[0] ?? '', /BEGIN/);
  }
});

test('authorities and client certificates are judged, too', async () => {
  const [pair, other, former] = [await tlsPair(), await tlsPair(), await tlsPair({ now: NOW - 10 * DAY_MS })];
  const all = await problemsOf({ tls: pair, authority: 'no PEM', client: { ...pair, 'tls.key': other['tls.key'] } });
  assert.match(
    all.join('\n'),
    /^redis\.tls\.caSecretRef: the Secret authority has no certificate in PEM form in ca\.crt/m,
  );
  assert.match(all.join('\n'), /^redis\.tls\.clientCertSecretName: the Secret client has in tls\.key another key/m);
  const ended = await problemsOf({ tls: pair, authority: former['tls.crt'] });
  assert.match(
    ended.join(),
    /the Secret authority has in ca\.crt no authority that is in force, the first one ended at/,
  );
});

test('what is no text in UTF-8 is named by field, Secret and key; a byte order mark is no fault (I17)', async () => {
  const pair = await tlsPair();
  const marked = { 'tls.crt': `\ufeff${pair['tls.crt']}`, 'tls.key': `\ufeff${pair['tls.key']}\r\n` };
  assert.deepEqual(await problemsOf({ tls: marked, url: '\ufeffrediss://redis:6379\n' }), []);
  const [problem, ...more] = await problemsOf({ tls: { ...pair, 'tls.key': Buffer.from(pair['tls.key'], 'utf16le') } });
  assert.equal(problem, 'gateway.tls.secretName: the key tls.key of the Secret tls is UTF-16: save it as UTF-8');
  assert.deepEqual(more, []);
  const latin = Buffer.from('rediss://:pässword@redis:6379', 'latin1');
  const [said = ''] = await problemsOf({ tls: pair, url: latin });
  assert.match(said, /^redis\.urlSecretRef: the key url of the Secret url is not UTF-8/);
  assert.doesNotMatch(said, /word@/);
});
