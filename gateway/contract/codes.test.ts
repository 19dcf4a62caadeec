import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CALLS_PATH, LOGIN_PATH } from '../../protocol/paths.ts';
import { until } from '../../testing/until.ts';
import { MOST_REVOCATIONS } from '../revocation/revocation-store.ts';
import { directoryOfMany, MANY } from '../testing/many-accounts.ts';
import { frames, untilFrame } from '../testing/frames.ts';
import { ask, upgradeRequest } from '../testing/raw-client.ts';
import { ADMIN, startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { getCalls, legEvent } from './calls.suite.ts';

const LIMIT = { timeout: 60_000 };
const get = (path: string, ...headers: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n');

describe('R1: a code of the documents comes where they say', () => {
  test('for what is no request that can be routed', LIMIT, async () => {
    await using running = await startGateway({ plain: true });
    const { port } = running.gateway;
    const many = Array.from({ length: 64 }, (_, at) => `X-${at}: y`);
    const cases: [string, number, string][] = [
      ['nonsense\r\n\r\n', 400, 'malformed_request'],
      [get('ftp://example.com/'), 400, 'invalid_url'],
      [get(LOGIN_PATH), 405, 'method_not_allowed'],
      ['CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 405, 'method_not_allowed'],
      [get('/', 'Expect: more'), 417, 'expectation_failed'],
      [get('/', ...many), 431, 'too_many_headers'],
      [get('/', `X: ${'y'.repeat(9_000)}`), 431, 'headers_too_large'],
    ];
    for (const [request, status, code] of cases) await answers(port, request, [status, code]);
  });

  test('for what is no handshake of a stream', LIMIT, async () => {
    await using running = await startGateway({ plain: true, gateway: { allowedOrigins: ['https://app.example.com'] } });
    const { port } = running.gateway;
    const token = await running.token();
    const right = upgradeRequest(token);
    const cases: [string, number, string][] = [
      [right.replace('HTTP/1.1', 'HTTP/1.0'), 400, 'http_version'],
      [right.replace(/Key: \S+/, 'Key: short'), 400, 'websocket_key'],
      [right.replace('Host:', 'Origin: https://evil.example.com\r\nHost:'), 403, 'origin_not_allowed'],
      [right.replace('Host:', 'Content-Length: 6\r\nHost:'), 400, 'malformed_request'],
      [right.replace('Host:', 'Transfer-Encoding: chunked\r\nHost:'), 400, 'malformed_request'],
      [right.replace('GET', 'POST'), 405, 'method_not_allowed'],
      [upgradeRequest(token, '&v=1&from=-1m&to=never'), 400, 'invalid_to'],
    ];
    for (const [request, status, code] of cases) await answers(port, request, [status, code]);
    assert.equal((await ask(port, right.replace('Host:', 'Content-Length: 0\r\nHost:'))).status, 101);
    const allowed = right.replace('Host:', 'Origin: https://app.example.com\r\nHost:');
    assert.equal((await ask(port, allowed)).status, 101);
  });

  test('for a user with too many large grants', LIMIT, async () => {
    await using running = await startGateway({ directory: directoryOfMany() });
    for (let at = 0; at < 16; at += 1) await running.token({ accounts: MANY.slice(at) });
    const refused = await running.login({ ...ADMIN, accounts: MANY.toSpliced(5, 1) });
    assert.deepEqual([refused.status, refused.body['code']], [429, 'too_many_grants']);
    // An equal grant shares the place of the one there is.
    await running.token({ accounts: MANY });
  });

  test('for a list of revocations that is full', LIMIT, async () => {
    const state = await mkdtemp(join(tmpdir(), 'firehose-revocations-'));
    const at = Date.now() * 1_000;
    const full = Array.from({ length: MOST_REVOCATIONS }, (_, n) => [`jti:${n}`, at - n]);
    await writeFile(join(state, 'revocations.json'), JSON.stringify(full), { mode: 0o600 });
    try {
      await using running = await startGateway({ state });
      const refused = await running.administer('/revocations', { jti: 'one-more' });
      assert.deepEqual([refused.status, refused.body['code']], [507, 'too_many_revocations']);
      assert.equal((await running.administer('/revocations', { jti: '1' })).status, 200);
    } finally {
      await rm(state, { recursive: true });
    }
  });

  test('for more live calls than a JSON document holds; as lines they come', LIMIT, async () => {
    await using running = await startGateway({ plain: true, calls: { enabled: true } });
    const token = await running.token();
    const legs = Array.from({ length: 1_001 }, (_, n) => legEvent('account_id_1', `leg-${n}`, 'CHANNEL_CREATE'));
    await running.ingest(legs.join('\n'));
    await until('1,001 calls', () => linesOf(running, token), { holds: (seen) => seen === 1_001 });
    const refused = await getCalls(running, token);
    assert.deepEqual([refused.status, codeOf(refused.text)], [413, 'too_many_calls'], CALLS_PATH);
  });

  test('for frames that a connection cannot take, and for too many of them', LIMIT, async () => {
    await using running = await startGateway({});
    const [answers, others] = [{ events: ['CHANNEL_ANSWER'] }, { events: ['CHANNEL_DESTROY'] }];
    const client = await running.connect(`?token=${await running.token(answers)}&v=1`);
    await untilFrame(client, 'hello');
    client.send(JSON.stringify({ auth: await running.token(others), ref: 'scope_disjoint' }));
    client.send(JSON.stringify({ ack: ['an-id'], ref: 'no_group' }));
    const refused = await until(
      'two refusals',
      () => frames(client).flatMap((frame) => (frame.type === 'error' ? [`${frame.ref} ${frame.code}`] : [])),
      { holds: (seen) => seen.length === 2 },
    );
    assert.deepEqual(refused.toSorted(), ['no_group no_group', 'scope_disjoint scope_disjoint']);
    for (let frame = 0; frame < 121; frame += 1)
      client.send(JSON.stringify({ filter: { accounts: null, events: null } }));
    const { code, reason } = await client.closed;
    assert.deepEqual([code, (JSON.parse(reason) as { e: string }).e], [4429, 'too_many_frames']);
  });
});

async function answers(port: number, request: string, expected: [status: number, code: string]): Promise<void> {
  const { status, body } = await ask(port, request);
  assert.deepEqual([status, codeOf(body)], expected, request.slice(0, 80));
}

function codeOf(body: string): string {
  return (JSON.parse(body) as { code: string }).code;
}

async function linesOf(running: RunningGateway, token: string): Promise<number> {
  const { text } = await getCalls(running, token, { accept: 'application/x-ndjson' });
  return text.split('\n').filter((line) => line.includes('"type":"call"')).length;
}
