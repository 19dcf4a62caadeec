import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { accountForTexts, faultsOf } from '../../loadtest/oracle/account.ts';
import { startRedis } from '../../testing/redis-server.ts';
import type { Grant } from '../auth/grant.ts';
import { memoryGrantStore } from '../auth/grant-store.ts';
import { hashPassword } from '../auth/password.ts';
import { openKeyRing } from '../auth/signing-keys.ts';
import { createTokens } from '../auth/token.ts';
import { isWithin, type Directory } from '../directory/directory.ts';
import { parseDirectory } from '../directory/parse-directory.ts';
import { startDirectoryServer } from '../testing/directory-server.ts';
import {
  ADMIN,
  startGateway,
  type Client,
  type RunningGateway,
  type StartOptions,
} from '../testing/running-gateway.ts';
import { until } from '../../testing/until.ts';

const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';
const ACCOUNTS = 1_000;
const CONNECTIONS = 1_000;
const EVENTS_A_MOVE = 300;
const NAMES = ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY', 'DTMF'];
const ODD_IDS = ['__proto__', 'constructor', 'a', 'A', 'aa', 'a_', 'a-', '0', '00'];

interface Sent {
  readonly text: string;
  readonly account: string;
  readonly name: string;
  readonly call: string;
}

/** The moved accounts and their new parents. */
interface Source extends AsyncDisposable {
  readonly options: StartOptions;
  /** Puts this directory in force. */
  put(running: RunningGateway, text: string): Promise<void>;
}

const sources: Readonly<Record<string, (text: string) => Promise<Source>>> = {
  'a file': async (directory) => ({
    options: { directory },
    put: ({ directoryFile }, text) => writeFile(directoryFile, text),
    [Symbol.asyncDispose]: async () => undefined,
  }),
  'a server that pushes': async (directory) => {
    const server = await startDirectoryServer(directory);
    return {
      options: { directoryServer: server },
      async put(running, text) {
        server.serve(text);
        assert.equal(await running.refreshDirectory(), 202);
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
  'a server that tells changes': async (directory) => {
    const server = await startDirectoryServer(directory);
    let present = directory;
    return {
      options: { directoryServer: server },
      async put(running, text) {
        server.change(text, linesBetween(present, text));
        present = text;
        assert.equal(await running.refreshDirectory(), 202);
      },
      async [Symbol.asyncDispose]() {
        const statuses = server.asked.map(({ status }) => status);
        assert.deepEqual([statuses.filter((one) => one === 200).length, statuses.includes(226)], [1, true]);
        await server[Symbol.asyncDispose]();
      },
    };
  },
};

/** The lines from one document to the next: its accounts change, its users do not. Each has a marker account. */
function linesBetween(before: string, after: string): string {
  const entriesOf = (text: string) => {
    const { accounts } = JSON.parse(text) as { accounts: { id: string }[] };
    return new Map(accounts.map((one) => [one.id, JSON.stringify(one)]));
  };
  const [known, next] = [entriesOf(before), entriesOf(after)];
  const changed = [...next].filter(([id, line]) => known.get(id) !== line);
  const gone = [...known.keys()].filter((id) => !next.has(id)).map((id) => JSON.stringify({ removed: { id } }));
  return [...changed.map(([, line]) => line), ...gone].map((line) => `${line}\n`).join('');
}

for (const [name, open] of Object.entries(sources)) {
  test(`1,000 connections over a tree of 1,000 accounts get what an oracle says: no leak, no miss, no double, calls in order, while accounts move by ${name}`, () =>
    holdToOracle(open));
}

async function holdToOracle(open: (text: string) => Promise<Source>): Promise<void> {
  const random = seeded(17);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const ids = [ROOT, ...ODD_IDS, ...Array.from({ length: ACCOUNTS - ODD_IDS.length }, (_, at) => `acc${at}`)];
  const parents = new Map(ids.map((id, at) => [id, at === 0 ? null : pick(ids.slice(0, at))]));
  const passwordHash = await hashPassword(ADMIN.password);
  let text = directoryText(parents, passwordHash, 0);
  await using redis = await startRedis();
  await using source = await open(text);
  await using running = await startGateway({ redisUrl: redis.url, ...source.options, plain: true });
  const clients = await connectAll(running, () => ({
    account: random() < 0.1 ? ROOT : pick(ids),
    accounts: random() < 0.3 ? [pick(ids), pick(ids), pick(ids), pick(ids)] : null,
    events: random() < 0.5 ? [pick(NAMES), pick(NAMES)] : null,
  }));
  let sequence = 0;
  for (let move = 1; move <= 4; move += 1) {
    const directory = parsed(text);
    const sent = Array.from({ length: EVENTS_A_MOVE }, (): Sent => {
      sequence += 1;
      const [account, name, call] = [pick(ids), pick(NAMES), `call-${sequence % 40}`];
      const event = { 'Event-Name': name, 'Call-ID': call, n: sequence, 'Account-ID': account };
      return { text: JSON.stringify(event), account, name, call };
    });
    for (const client of clients)
      client.expected.push(...sent.filter((event) => maySee(directory, client.grant, event)));
    assert.equal((await running.ingest(sent.map((event) => event.text).join('\n'))).body['accepted'], EVENTS_A_MOVE);
    for (const { client, expected } of clients) await client.received(expected.length);
    moveSome(parents, directory, pick, ids);
    text = directoryText(parents, passwordHash, move);
    await source.put(running, text);
    await until(
      'the moved account in the directory',
      async () => (await running.login({ ...ADMIN, accounts: [`version${move}`] })).status,
      { holds: (seen) => seen === 200 },
    );
  }
  let deliveries = 0;
  for (const { client, expected } of clients) {
    deliveries += expected.length;
    assert.deepEqual(faultsOf('a connection', accountForTexts(expected, client.messages)), []);
    client.close();
  }
  assert.ok(deliveries > 20_000, `${deliveries} deliveries`);
}

interface Watched {
  readonly grant: Grant;
  readonly client: Client;
  readonly expected: Sent[];
}

/** With tokens issued by the gateway's own key: a thousand logins would only measure argon2id. */
async function connectAll(running: RunningGateway, grantOf: () => Grant): Promise<Watched[]> {
  const keys = await openKeyRing(join(running.stateFolder, 'signing-key.json'), 'HS256');
  const resource = 'default/quickstart';
  const names = { resource, issuer: resource, audience: resource };
  const tokens = createTokens({ keys, grants: memoryGrantStore(Date.now), ttlMs: 3_600_000, ...names });
  const watched: Watched[] = [];
  for (let at = 0; at < CONNECTIONS; at += 1) {
    const grant = grantOf();
    const account = { id: grant.account, name: 'n', realm: 'r', parent: null, enabled: true };
    const token = await tokens.issue({ grant, account, username: 'admin', mark: 0, now: Date.now() });
    watched.push({ grant, client: await running.connect(`?token=${token}`), expected: [] });
  }
  return watched;
}

/** Every account has a user `admin`; the marker account shows when this version is in force. */
function directoryText(parents: ReadonlyMap<string, string | null>, passwordHash: string, version: number): string {
  const accounts = [...parents].map(([id, parent]) => ({
    id,
    name: id === ROOT ? 'admin' : `name of ${id} ${Buffer.from(id).toString('hex')}`,
    realm: `${Buffer.from(id).toString('hex')}.sip.example.com`,
    ...(parent !== null && { parent }),
  }));
  const marker = {
    id: `version${version}`,
    name: `version${version}`,
    realm: `version${version}.example.com`,
    parent: ROOT,
  };
  const users = [...parents.keys()].map((account) => ({ username: 'admin', account, passwordHash }));
  return JSON.stringify({ accounts: [...accounts, marker], users });
}

function parsed(text: string): Directory {
  const result = parseDirectory(text);
  assert.ok(result.ok);
  return result.directory;
}

/** Moves some accounts below others, never below themselves. */
function moveSome(
  parents: Map<string, string | null>,
  directory: Directory,
  pick: <T>(list: readonly T[]) => T,
  ids: readonly string[],
): void {
  const moved = pick(ids.slice(1));
  for (let tries = 0; tries < 20; tries += 1) {
    const target = directory.accounts.get(pick(ids));
    if (target !== undefined && !isWithin(target, moved)) parents.set(moved, target.id);
  }
}

/** The expected events of a connection, computed in the slow and obvious way. */
function maySee(directory: Directory, grant: Grant, event: Sent): boolean {
  const account = directory.accounts.get(event.account);
  if (account === undefined || !isWithin(account, grant.account)) return false;
  if (grant.accounts !== null && !grant.accounts.includes(event.account)) return false;
  return grant.events === null || grant.events.includes(event.name);
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
