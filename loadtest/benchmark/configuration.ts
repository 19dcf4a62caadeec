import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { eventLines, meanBytes, meanDeflatedBytes } from './event-file.ts';

export const ACCOUNT = 'benchmark';
export const PARTITIONS = 4;
/** Names of the publisher's events; every fifth may have a name that no client requests. */
const WANTED = 'CHANNEL_ANSWER';
const TOKEN_TTL_S = 3_600;

/** The files with which a gateway starts, and request targets that it accepts. */
export interface Configuration extends AsyncDisposable {
  /** With this many accounts below the one that all clients see. */
  configFolder(accounts: number, options: { readonly isTls: boolean; readonly calls: boolean }): Promise<string>;
  readonly stateFolder: string;
  /** Path of a file with one request target on each line; all of them filter, with equal or different filters. */
  targets(distinctFilters: number): Promise<string>;
  /** The same for one target that all use. */
  target(target: string): Promise<string>;
  /** For a server without path and token. */
  readonly anyTarget: string;
  /** Events of calls, where their content matters. */
  events(): Promise<EventFile>;
}

interface EventFile {
  readonly file: string;
  /** Mean size of an event; and its size compressed against the events before it. */
  readonly bytes: number;
  readonly deflatedBytes: number;
}

const subscriptionOf = (isTls: boolean, calls: boolean) => ({
  apiVersion: 'firehose.dev/v1alpha1',
  kind: 'FirehoseSubscription',
  metadata: { name: 'benchmark' },
  spec: {
    account: { id: ACCOUNT },
    stream: { partitions: PARTITIONS },
    calls: { enabled: calls, maxLegsPerAccount: 1_000_000 },
    gateway: {
      tls: { disabled: !isTls },
      connections: { maxPerReplica: 20_000, maxPerAccount: 20_000, drainTimeout: '1s' },
    },
  },
});
/** Users that log in where logins are part of the load; all other tokens are created here. */
export const LOGIN = { username: 'benchmark', password: 'benchmark', domain: 'benchmark' } as const;
/** Hash of that password, at the gateway's own cost. */
const PASSWORD_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$4pEy4t2l1Wsbn6aquro/gw$Oyo/38xLWR/KF/6Dh0CcrT31ua74dA2fq7uZxKnGzZM';
const directoryOf = (accounts: number) => ({
  accounts: [
    { id: ACCOUNT, name: LOGIN.domain, realm: 'benchmark.sip.example.com' },
    ...Array.from({ length: accounts }, (_, at) => ({
      id: `a${at}`,
      name: `a${at}`,
      realm: `a${at}.sip.example.com`,
      parent: ACCOUNT,
    })),
  ],
  users: [{ username: LOGIN.username, account: ACCOUNT, passwordHash: PASSWORD_HASH }],
});

export async function writeConfiguration(): Promise<Configuration> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-benchmark-'));
  const stateFolder = join(folder, 'state');
  await mkdir(stateFolder, { mode: 0o700 });
  const secret = randomBytes(32);
  const key = { kty: 'oct', k: secret.toString('base64url'), kid: 'benchmark', alg: 'HS256' };
  await writeFile(join(stateFolder, 'signing-key.json'), JSON.stringify([key]), { mode: 0o600 });
  let written = 0;
  const target = async (text: string) => {
    const file = join(folder, `target-${(written += 1)}`);
    await writeFile(file, `${text}\n`);
    return file;
  };
  const anyTarget = await target('/');
  return {
    stateFolder,
    async configFolder(accounts, { isTls, calls }) {
      const path = join(folder, `config-${accounts}${isTls ? '-tls' : ''}${calls ? '-calls' : ''}`);
      await mkdir(path, { recursive: true });
      // JSON is YAML.
      await writeFile(join(path, 'subscription.yaml'), JSON.stringify(subscriptionOf(isTls, calls)));
      await writeFile(join(path, 'directory.yaml'), JSON.stringify(directoryOf(accounts)));
      return path;
    },
    target,
    anyTarget,
    async targets(distinctFilters) {
      const file = join(folder, `targets-${distinctFilters}`);
      const lines = await Promise.all(
        Array.from({ length: distinctFilters }, async (_, at) => {
          const token = await mint(secret, distinctFilters === 1 ? [WANTED] : [WANTED, `X_${at}`]);
          return `${STREAM_PATH}?token=${token}\n`;
        }),
      );
      await writeFile(file, lines.join(''), { mode: 0o600 });
      return file;
    },
    async events() {
      const file = join(folder, 'events.ndjson');
      const lines = eventLines(ACCOUNT);
      await writeFile(file, `${lines.join('\n')}\n`);
      return { file, bytes: meanBytes(lines), deflatedBytes: meanDeflatedBytes(lines) };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** `<namespace>/<name>` of the subscription. */
const RESOURCE = 'default/benchmark';

/** A token as the gateway's login issues it. A thousand real logins would measure argon2id. */
function mint(secret: Uint8Array, events: readonly string[]): Promise<string> {
  const claims = { identity: `${ACCOUNT}:benchmark`, type: 'access', res: RESOURCE, accounts: null, events, rev: 0 };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: 'benchmark', typ: 'JWT' })
    .setSubject('benchmark')
    .setIssuer(RESOURCE)
    .setAudience(RESOURCE)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + TOKEN_TTL_S)
    .sign(secret);
}
