import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverFrameSchema, type ServerFrame } from '../../protocol/server-frame.ts';
import type { AckOutcome } from '../group/groups.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import { LEEWAY_S } from '../auth/token.ts';
import { cursors, openCursor } from '../testing/cursors.ts';
import { RecordingSink } from '../testing/sink.ts';
import { Dialogue, type Connection, type TokenOutcome } from './dialogue.ts';

const NOW = 1_800_000_000_000;
const POSITION = { epoch: 'e', ids: [`${NOW - 4_000}-0`] };

function tokenOf(id: string, expiresInMs: number, accounts: readonly string[] | null = null): VerifiedToken {
  const grant = { account: 'root', accounts, events: null };
  return { id, username: 'u', grant, mark: 0, sessionEndsAt: NOW + expiresInMs + LEEWAY_S * 1_000 };
}

function open(
  options: {
    expiresInMs?: number;
    isBehind?: boolean;
    verified?: TokenOutcome;
    acknowledged?: AckOutcome;
    accounts?: readonly string[];
  } = {},
) {
  const sink = new RecordingSink();
  const closed: string[] = [];
  let counted = 0;
  let token = tokenOf('first', options.expiresInMs ?? 3_600_000, options.accounts ?? null);
  const connection: Connection = {
    id: 's',
    group: null,
    get token() {
      return token;
    },
    position: POSITION,
    privacy: null,
    isBehind: options.isBehind ?? false,
    entriesBehind: 7,
    isOpen: true,
    renew: (renewed) => (token = renewed),
    refilter: () => true,
    askSnapshot: () => Promise.resolve(null),
    acknowledge: () => options.acknowledged ?? null,
    countFrame() {
      counted += 1;
      return true;
    },
    close: (_, reason) => closed.push(reason),
    closeForFrame: ({ field }) => closed.push(field ?? 'no frame'),
  };
  const dialogue = new Dialogue(connection, sink, {
    verifyToken: async () => options.verified ?? { kind: 'invalid' },
    narrow: (grant) => ({ ok: true, grant }),
    seesWhole: ({ accounts }) => accounts === null,
    window: { oldestCursor: 'oldest', cursors },
    now: () => NOW,
  });
  dialogue.greet({ from: POSITION, group: null, standby: null }, 0);
  const said = (): ServerFrame[] =>
    sink.messages().map((text) => serverFrameSchema.parse((JSON.parse(text) as { _firehose: unknown })._firehose));
  const types = () => said().map(({ type }) => type);
  return { dialogue, closed, said, types, sink, counted: () => counted };
}

test('an acknowledgement that settles something is no frame of the allowance; one that is refused or idle is', async () => {
  const unknown: AckOutcome = { ok: false, code: 'unknown_id', detail: 'd' };
  for (const [acknowledged, expected] of [
    [{ ok: true }, 0],
    [{ ok: true, isIdle: true }, 1],
    [unknown, 1],
  ] as const) {
    const { dialogue, counted } = open({ acknowledged });
    dialogue.received('{"ack":["a"]}');
    await new Promise(setImmediate);
    assert.equal(counted(), expected);
  }
});

test('a watermark comes every ten seconds, whether or not anything matched', () => {
  const { dialogue, said, types } = open();
  for (let at = 0; at <= 30_000; at += 1_000) dialogue.sweep({ wall: NOW + at, steady: at });
  assert.deepEqual(types(), ['hello', 'watermark', 'watermark', 'watermark']);
  const [, first] = said();
  assert.ok(first?.type === 'watermark');
  assert.deepEqual(openCursor(first.cursor, POSITION.ids.length), POSITION);
  assert.equal(first.time, new Date(NOW + 10_000).toISOString());
});

test('a token that ends within a minute is announced once, and its successor again', () => {
  const { dialogue, said } = open({ expiresInMs: 90_000 });
  for (let at = 0; at <= 60_000; at += 1_000) dialogue.sweep({ wall: NOW + at, steady: at });
  const expiring = said().filter((frame) => frame.type === 'token_expiring');
  assert.deepEqual(expiring, [
    { type: 'token_expiring', expires_at: new Date(NOW + 90_000).toISOString(), expires_in_ms: 60_000 },
  ]);
});

test('who is behind is told by how much, every ten seconds and also while it takes nothing', () => {
  const { dialogue, said, sink } = open({ isBehind: true });
  sink.queued = 2 * 1024 * 1024;
  for (let at = 0; at < 15_000; at += 1_000) dialogue.sweep({ wall: NOW + at, steady: at });
  assert.deepEqual(
    said().filter(({ type }) => type !== 'hello'),
    [
      { type: 'lagging', behind_events: 7, behind_ms: 4_000 },
      { type: 'lagging', behind_events: 7, behind_ms: 14_000 },
    ],
  );
});

test('frames are answered in their order, also while a token is being verified', async () => {
  const verified: TokenOutcome = { kind: 'valid', token: tokenOf('second', 7_200_000, ['a']) };
  const { dialogue, types } = open({ verified });
  dialogue.received('{"auth":"t"}');
  dialogue.received('{"filter":{"accounts":null,"events":["DTMF"]}}');
  while (types().length < 4) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(types(), ['hello', 'auth_ok', 'filter', 'filter']);
  // Outside of a group there is nothing to acknowledge.
  dialogue.received('{"nack":"x","ref":"r"}');
  while (types().length < 5) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(types().at(-1), 'error');
});

test('a token of another account, or none at all, ends the connection; one that cannot be looked up now does not', async () => {
  const foreign = { ...tokenOf('f', 1_000), grant: { account: 'other', accounts: null, events: null } };
  const cases: [TokenOutcome, string[], string[]][] = [
    [{ kind: 'invalid' }, ['token_refused'], ['hello']],
    [{ kind: 'valid', token: foreign }, ['token_refused'], ['hello']],
    [{ kind: 'unavailable' }, [], ['hello', 'error']],
  ];
  for (const [verified, expected, words] of cases) {
    const { dialogue, closed, types } = open({ verified });
    dialogue.received('{"auth":"t"}');
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([closed, types()], [expected, words]);
  }
});

test('a filter with a fault is answered by an error that names it, and the connection goes on (T10)', async () => {
  const cases: [string, RegExp, string | null][] = [
    ['{"filter":{"events":["DTMF"]}}', /^filter\.accounts must be null, or a list/, null],
    ['{"filter":{"accounts":null},"ref":"r"}', /^filter\.events must be/, 'r'],
    ['{"filter":{}}', /^filter\.accounts /, null],
    ['{"filter":null}', /^filter must be an object/, null],
    ['{"filter":{"accounts":[1],"events":null},"ref":7}', /^/, null],
    ['{"filter":{"accounts":null,"events":null},"more":1}', /^the frame has other keys/, null],
  ];
  for (const [text, detail, ref] of cases) {
    const { dialogue, closed, said, counted } = open();
    dialogue.received(text);
    await new Promise(setImmediate);
    const answer = said().at(-1);
    assert.ok(answer?.type === 'error', text);
    assert.deepEqual([answer.code, answer.ref, closed, counted()], ['invalid_filter', ref, [], 1], text);
    assert.match(answer.detail, detail);
  }
});

test('auth_ok tells the scope in force, cut to what the connection had (T10)', async () => {
  const verified: TokenOutcome = { kind: 'valid', token: tokenOf('second', 7_200_000, null) };
  const { dialogue, said } = open({ verified, accounts: ['a'] });
  dialogue.received('{"auth":"t"}');
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  const answer = said().find((frame) => frame.type === 'auth_ok');
  assert.deepEqual(answer?.scope, { accounts: ['a'], events: null });
});

test('hello says how large a message may be', () => {
  const [hello] = open().said();
  assert.ok(hello?.type === 'hello' && hello.max_message_bytes > 1024 * 1024);
});
