import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AnswerReader } from './answer-reader.ts';

/** What a reader makes of these chunks, after which the connection stays open or ends. */
function read(chunks: readonly string[], isClosed = false) {
  const reader = new AnswerReader();
  for (const chunk of chunks) {
    if (reader.progress === 'ended' || reader.progress === 'malformed') break;
    reader.push(Buffer.from(chunk, 'latin1'));
  }
  if (isClosed && (reader.progress === 'head' || reader.progress === 'body')) reader.close();
  const { progress, head, mayKeep } = reader;
  return { progress, status: head?.status ?? null, body: reader.body.toString('latin1'), mayKeep };
}

const line = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`;
const OK = 'HTTP/1.1 200 OK';

const ANSWERS: Record<string, [string, { status: number; body?: string; mayKeep: boolean }]> = {
  'no body': [line('HTTP/1.1 204 No Content'), { status: 204, mayKeep: true }],
  'a status without a reason': [line('HTTP/1.1 204'), { status: 204, mayKeep: true }],
  'a length': [`${line(OK, 'Content-Length: 5')}hello`, { status: 200, body: 'hello', mayKeep: true }],
  'a length of 0': [line(OK, 'content-length:0'), { status: 200, mayKeep: true }],
  'the connection ends': [
    `${line(OK, 'content-length: 1', 'Connection: keep-alive, Close')}x`,
    { status: 200, body: 'x', mayKeep: false },
  ],
  'HTTP/1.0': [`${line('HTTP/1.0 200 OK', 'content-length: 1')}x`, { status: 200, body: 'x', mayKeep: false }],
  chunks: [
    `${line(OK, 'transfer-encoding: chunked')}5;a=b\r\nhello\r\nA \r\n, receiver\r\n0\r\n\r\n`,
    { status: 200, body: 'hello, receiver', mayKeep: true },
  ],
  'chunks and a trailer': [
    `${line(OK, 'Transfer-Encoding: Chunked')}1\r\nx\r\n0\r\nwebhook-delivery: disable\r\n\r\n`,
    { status: 200, body: 'x', mayKeep: true },
  ],
  'an answer before the answer': [
    `${line('HTTP/1.1 103 Early Hints', 'link: </a>')}${line('HTTP/1.1 204 No Content')}`,
    { status: 204, mayKeep: true },
  ],
  'a body that must not be there': [
    `${line('HTTP/1.1 204 No Content', 'content-length: 2')}ok`,
    { status: 204, mayKeep: false },
  ],
  'a second answer': [`${line('HTTP/1.1 204 A')}${line('HTTP/1.1 204 B')}`, { status: 204, mayKeep: false }],
  'a chunk with a wrong end': [
    `${line(OK, 'transfer-encoding: chunked')}1\r\nxy\r\n0\r\n\r\n`,
    { status: 200, body: 'x', mayKeep: false },
  ],
  'a chunk whose size is no number': [
    `${line(OK, 'transfer-encoding: chunked')}-1\r\nx`,
    { status: 200, mayKeep: false },
  ],
  'an endless line before a chunk': [
    `${line(OK, 'transfer-encoding: chunked')}1;${'x'.repeat(300)}`,
    { status: 200, mayKeep: false },
  ],
  'endless trailers': [
    `${line(OK, 'transfer-encoding: chunked')}0\r\n${'a: b\r\n'.repeat(3_000)}`,
    { status: 200, mayKeep: false },
  ],
  'more of a body than is read': [
    `${line(OK, 'content-length: 9000')}${'x'.repeat(2_000)}`,
    { status: 200, body: 'x'.repeat(1_024), mayKeep: false },
  ],
};

describe('an answer is read', () => {
  for (const [what, [bytes, expected]] of Object.entries(ANSWERS)) {
    test(`with ${what}, wherever the network splits it`, () => {
      const whole = read([bytes]);
      assert.deepEqual(whole, { progress: 'ended', body: '', ...expected });
      for (let at = 1; at < Math.min(bytes.length, 400); at += 1) {
        const { mayKeep, ...rest } = read([bytes.slice(0, at), bytes.slice(at)]);
        assert.deepEqual(rest, { progress: 'ended', status: whole.status, body: whole.body }, `at ${at}`);
        // What follows an answer is seen only if it is there.
        assert.ok(mayKeep === whole.mayKeep || what === 'a second answer', `at ${at}`);
      }
      assert.equal(read(bytes.split('')).status, whole.status);
    });
  }

  test('with a body that ends with its connection', () => {
    const bytes = `${line(OK)}hello`;
    assert.equal(read([bytes]).progress, 'body');
    assert.deepEqual(read([bytes], true), { progress: 'ended', status: 200, body: 'hello', mayKeep: false });
  });

  test('with a body that is cut off: the status counts', () => {
    for (const start of [line(OK, 'content-length: 9'), `${line(OK, 'transfer-encoding: chunked')}9\r\n`])
      assert.deepEqual(read([`${start}hello`], true), {
        progress: 'ended',
        status: 200,
        body: 'hello',
        mayKeep: false,
      });
  });

  test('with what a webhook needs of its head', () => {
    const reader = new AnswerReader();
    const fields = ['Retry-After: 7', 'retry-after: 9', 'Webhook-Delivery:  disable ', 'Keep-Alive: timeout=5, max=9'];
    reader.push(Buffer.from(line('HTTP/1.1 429 Slow Down', ...fields, 'content-length: 0')));
    assert.deepEqual(reader.head, { status: 429, retryAfter: '7', directive: 'disable', keptForMs: 5_000 });
  });
});

const MALFORMED: Record<string, string> = {
  'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
  'another version': line('HTTP/2.0 200 OK'),
  'no status': line('HTTP/1.1 OK'),
  'a status of four digits': line('HTTP/1.1 2000 OK'),
  'a switch of protocols': line('HTTP/1.1 101 Switching Protocols', 'upgrade: websocket'),
  'two lengths': line(OK, 'content-length: 1', 'content-length: 1'),
  'a length that is no number': line(OK, 'content-length: +1'),
  'a length and chunks': line(OK, 'content-length: 1', 'transfer-encoding: chunked'),
  'a header without a name': line(OK, ': x'),
  'a space before a colon': line(OK, 'content-length : 1'),
  'a folded header': line(OK, 'a: b', ' c'),
  'a line feed alone': line(OK, 'a: b\nc: d'),
  'a carriage return alone': line(OK, 'a: b\rc: d'),
  NUL: line(OK, 'a: \0'),
  'a head without an end': `${OK}\r\n${'a: b\r\n'.repeat(3_000)}`,
  'a line without an end': `HTTP/1.1 200 ${'x'.repeat(20_000)}`,
  'heads without an end': line('HTTP/1.1 100 Continue', `a: ${'x'.repeat(1_000)}`).repeat(20),
};

describe('an answer is malformed', () => {
  for (const [what, bytes] of Object.entries(MALFORMED))
    test(`with ${what}`, () => {
      assert.equal(read([bytes], true).progress, 'malformed');
      assert.equal(read([bytes.slice(0, 9), bytes.slice(9)], true).progress, 'malformed');
    });

  test('when the connection ends within its head', () => {
    assert.equal(read([`${OK}\r\n`], true).progress, 'malformed');
  });
});

test('Node.js reads the same status and body from any answer', { timeout: 60_000 }, async () => {
  let bytes = '';
  const server = createServer((socket) =>
    socket.on('error', () => undefined).once('data', () => socket.end(bytes, 'latin1')),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const byNode = () =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const call = request({ port, method: 'POST', agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('latin1') }),
        );
      });
      call.on('error', reject).end('{}');
    });
  const part = fc.stringMatching(/^[ -~\r\n]{1,40}$/);
  const answer = fc.record({
    status: fc.constantFrom(200, 201, 204, 301, 410, 429, 500),
    reason: fc.stringMatching(/^[ -~]{0,10}$/),
    fields: fc.array(fc.tuple(fc.stringMatching(/^x-[a-z]{1,8}$/), fc.stringMatching(/^[!-~]{0,20}$/)), {
      maxLength: 5,
    }),
    parts: fc.array(part, { maxLength: 4 }),
    framing: fc.constantFrom('length', 'chunked', 'closed'),
  });
  await fc.assert(
    fc.asyncProperty(answer, async ({ status, reason, fields, parts, framing }) => {
      const hasBody = status !== 204;
      const body = hasBody ? parts.join('') : '';
      const head = [`HTTP/1.1 ${status} ${reason}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
      if (hasBody && framing === 'length') head.push(`Content-Length: ${body.length}`);
      if (hasBody && framing === 'chunked') head.push('Transfer-Encoding: chunked');
      const chunks = parts.map((one) => `${one.length.toString(16)}\r\n${one}\r\n`);
      bytes = `${line(...head)}${hasBody && framing === 'chunked' ? `${chunks.join('')}0\r\n\r\n` : body}`;
      const ours = read([bytes], true);
      assert.deepEqual({ status: ours.status, body: ours.body }, await byNode());
    }),
    { numRuns: 200 },
  );
  server.close();
});
