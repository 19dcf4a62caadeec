import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import express from 'express';
import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import { CALLS_PATH } from '../../protocol/paths.ts';
import { createLive } from '../../runtime/lifecycle/live.ts';
import { until } from '../../testing/until.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { Scope } from '../subscription/scope.ts';
import { treeOf } from '../testing/tree.ts';
import { ringing } from './call-table.suite.ts';
import { createCalls } from './calls.ts';
import { callsHandler } from './calls-route.ts';
import { createCallCounters } from './counters.ts';
import { createEmbeddedTable } from './embedded-table.ts';

/** More than any kernel accepts for a peer that does not read. */
const LEGS = 30_000;
/** Limit of concurrent answers of an account. */
const MOST = 16;
/** Longer than a busy machine takes to begin all answers. */
const TAKE_LIMIT_MS = 3_000;
const TREE = treeOf([
  ['root', null],
  ['large', 'root'],
  ['small', 'root'],
]);
const MOVED = treeOf([
  ['root', null],
  ['small', 'root'],
  ['other', null],
  ['large', 'other'],
]);
const SCOPE: Scope = {
  account: { id: 'root', includeDescendants: true },
  filters: { events: [], excludeEvents: [], accounts: [], additionalEvents: [] },
};

const stack = new AsyncDisposableStack();
const directory = createLive(TREE);
let port = 0;

before(async () => {
  const eventLog = stack.use(createEmbeddedLog({ partitions: 1, maxBytes: 1024 * 1024, now: Date.now }));
  const table = createEmbeddedTable(1, eventLog);
  const live = { epoch: await eventLog.epoch(), id: '0-0', phase: 'live', until: '0-0' } as const;
  await table.begin(0, null, live);
  const names = Array.from({ length: LEGS }, (_, n) => ({ account: 'large', callId: `leg-${n}` }));
  names.push({ account: 'small', callId: 'leg' });
  const changes = names.map(({ account, callId }) => ({ account, callId, record: ringing(account, callId) }));
  await table.write(0, { from: live, to: live, changes });
  const calls = createCalls({
    source: { table, eventLog, now: Date.now },
    ending: { table, partitions: 1, counters: createCallCounters(), lateEnd: 'Amend' },
    directory,
    scope: createLive(SCOPE),
    onAsked: () => undefined,
  });
  const app = express();
  const verifyToken = (account: string) => {
    const grant = { account, accounts: null, events: null };
    const token: VerifiedToken = { grant, username: 'user', id: 'id', mark: 0, sessionEndsAt: Infinity };
    return Promise.resolve({ kind: 'valid', token } as const);
  };
  const narrow = () => ({ ok: false, detail: '' }) as const;
  const { cursors } = eventLog;
  app.get(
    CALLS_PATH,
    callsHandler({
      calls,
      verifyToken,
      isRevocationKnown: () => true,
      mayStay: () => true,
      privacyOf: () => null,
      narrow,
      cursors,
      takeLimitMs: TAKE_LIMIT_MS,
    }),
  );
  const server = createServer(app).listen(0, '127.0.0.1');
  stack.defer(() => void server.close());
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
after(() => stack.disposeAsync());

/** The start of an answer whose body is not read yet. The token names the account. */
async function ask(account: string): Promise<IncomingMessage> {
  const headers = { Authorization: `Bearer ${account}`, Accept: 'application/x-ndjson' };
  const asked = request({ port, host: '127.0.0.1', path: CALLS_PATH, headers, agent: false });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}

const callsOf = (body: string) => body.split('\n').filter((line) => line.includes('"type":"call"')).length;

test('I11, I15: a consumer that reads nothing is cut off, has a bounded number of answers, and holds up no other account', async () => {
  const hung = await Promise.all(Array.from({ length: MOST }, () => ask('large')));
  assert.deepEqual(
    hung.map(({ statusCode }) => statusCode),
    hung.map(() => 200),
  );
  const refused = await ask('large');
  assert.equal(refused.statusCode, 429);
  assert.match(await text(refused), /"code":"too_many_reads"/);
  assert.equal(callsOf(await text(await ask('small'))), 1);
  const again = await until('an answer again', () => ask('large'), { holds: ({ statusCode }) => statusCode === 200 });
  assert.equal(callsOf(await text(again)), LEGS);
  for (const answer of hung) await assert.rejects(text(answer), { code: 'ECONNRESET' });
});

test('LC2: lines show no call of an account that moves away while they are read', async () => {
  const answer = await ask('root');
  answer.once('data', () => directory.set(MOVED));
  const rest = await text(answer);
  const shown = callsOf(rest);
  directory.set(TREE);
  assert.ok(shown < LEGS, `${shown} calls were shown`);
  assert.match(rest, new RegExp(`"type":"snapshot_end".*"calls":${shown}}`));
});
