import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { event } from './gateway.suite.ts';
import { exchange, rawAnswer, upgradeRequest } from '../testing/raw-client.ts';
import { Refused, type RunningGateway } from '../testing/running-gateway.ts';

const LIMIT = { timeout: 30_000 };
const ANSWERED = { isEnough: (received: Buffer) => rawAnswer(received) !== null };

/** The status of /readyz, and whether each check holds. */
export async function readiness(running: RunningGateway): Promise<{ status: number; checks: Record<string, boolean> }> {
  const answer = await fetch(`http://127.0.0.1:${running.gateway.innerPort}/readyz`);
  const body = (await answer.json()) as { checks: Record<string, { ok: boolean }> };
  const checks = Object.entries(body.checks).map(([name, { ok }]) => [name, ok] as const);
  return { status: answer.status, checks: Object.fromEntries(checks) };
}

/** What a client library sees besides the events: headers of refusals, the meta form, readiness. Over plain HTTP. */
export function contractSuite(name: string, open: () => Promise<RunningGateway>): void {
  describe(`what a client library sees on ${name}`, () => {
    test('an unknown query parameter is ignored in the plain contract', LIMIT, async () => {
      await using running = await open();
      const client = await running.connect(`?token=${await running.token()}&groups=1&version=2&utm_source=x`);
      client.close();
    });

    test('a refusal carries the header that its status asks for', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const upgrade = upgradeRequest(token);
      const refusals: [string, number, string, RegExp][] = [
        [upgradeRequest('nonsense'), 401, 'invalid_token', /^www-authenticate: Bearer .*error="invalid_token"$/im],
        [upgrade.replace(`?token=${token}`, ''), 401, 'invalid_token', /^www-authenticate: Bearer /im],
        [upgrade.replace('Version: 13', 'Version: 8'), 426, 'websocket_version', /^sec-websocket-version: 13$/im],
        [`GET ${STREAM_PATH} HTTP/1.1\r\nHost: a\r\n\r\n`, 426, 'upgrade_required', /^upgrade: websocket$/im],
        [upgrade.replace(STREAM_PATH, '/elsewhere'), 404, 'not_found', /^cache-control: no-store$/im],
      ];
      for (const [bytes, status, code, header] of refusals) {
        const answer = await refusal(running, bytes);
        assert.deepEqual([answer.head.slice(9, 12), answer.body.code], [String(status), code]);
        assert.match(answer.head, header);
        assert.match(answer.head, /^content-type: application\/problem\+json/im);
      }
    });

    test('meta=1 adds one last key to the same event, and nobody else sees it', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const plain = await running.connect(`?token=${token}&meta=0`);
      const withMeta = await running.connect(`?token=${token}&meta=1`);
      const sent = event('account_id_3', 'CHANNEL_ANSWER', 1);
      await running.ingest(sent);
      assert.deepEqual(await plain.received(1), [sent]);
      const [text = ''] = await withMeta.received(1);
      assert.ok(text.startsWith(sent.slice(0, -1)), text);
      const { _firehose, ...rest } = JSON.parse(text) as { _firehose: Record<string, string> };
      assert.deepEqual(rest, JSON.parse(sent));
      assert.equal(_firehose['account_id'], 'account_id_3');
      for (const key of ['id', 'cursor', 'ingested_at']) assert.equal(typeof _firehose[key], 'string', key);
    });

    test('a draining replica is not ready, and ends without a fault once it is disposed of', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const client = await running.connect(`?token=${token}`);
      assert.deepEqual(await readiness(running), {
        status: 200,
        checks: { log: true, streams: true, draining: true, revocations: true, directory: true },
      });
      const draining = running.gateway.drain('SIGTERM', new AbortController().signal);
      assert.deepEqual(await readiness(running), {
        status: 503,
        checks: { log: true, streams: true, draining: false, revocations: true, directory: true },
      });
      const refused = await refusal(running, upgradeRequest(token));
      assert.match(refused.head, /^HTTP\/1\.1 503 [^]*^retry-after: \d+$/im);
      assert.equal((await client.closed).code, 1012);
      await draining;
      await running.gateway[Symbol.asyncDispose]();
      await running.gateway.ended;
      await assert.rejects(running.connect(`?token=${token}`), (error) => !(error instanceof Refused));
    });
  });
}

async function refusal(running: RunningGateway, bytes: string) {
  const received = await exchange(running.gateway.port, bytes, ANSWERED);
  const text = received.toString('latin1');
  const body = JSON.parse(rawAnswer(received)?.body ?? '{}') as { code: string; detail: string };
  // Only line feeds, so that `$` matches the end of a header.
  return { head: (text.split('\r\n\r\n')[0] ?? '').replaceAll('\r\n', '\n'), body };
}
