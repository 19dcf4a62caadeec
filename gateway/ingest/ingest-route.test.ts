import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import express from 'express';
import { decodeMeta } from '../../protocol/entry.ts';
import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import type { EventLog } from '../../event-log/event-log.ts';
import { createIngest, type IngestAnswer } from './ingest.ts';
import { INGEST_PATH } from '../../protocol/paths.ts';
import { ingestRouter } from './ingest-route.ts';
import { fixture, held } from './ingest.suite.ts';
import { MAX_BODY_BYTES } from './read-batch.ts';

const TOKEN = 'the-ingest-token';

async function serve(
  eventLog: EventLog = createEmbeddedLog({ partitions: 4, maxBytes: 16 * 1024 * 1024, now: Date.now }),
) {
  const counts = new Map<string, number>();
  const onAnswer = (answer: IngestAnswer) => {
    for (const { status } of answer.events) counts.set(status, (counts.get(status) ?? 0) + 1);
  };
  const app = express().use(
    ingestRouter({ ingest: createIngest({ eventLog, judgeAccount: () => 'offered' }), token: TOKEN, onAnswer }),
  );
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    eventLog,
    counts,
    port,
    send: (body: string | Uint8Array<ArrayBuffer> | null, headers: Record<string, string> = {}, method = 'POST') =>
      fetch(`http://127.0.0.1:${port}${INGEST_PATH}`, {
        method,
        body,
        headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      }),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      await eventLog[Symbol.asyncDispose]();
    },
  };
}

const one = '{"Event-Name":"DTMF","Call-ID":"c"}';

describe('POST /ws/v1/firehose/events', () => {
  it('takes in real events of any content type and counts their outcomes', async () => {
    await using at = await serve();
    const response = await at.send(new Uint8Array(fixture('call-events-2015')), { 'content-type': 'image/png' });
    assert.equal(response.status, 200);
    assert.equal(((await response.json()) as IngestAnswer).accepted, 3);
    await at.send(new Uint8Array(fixture('not-call-events')));
    assert.deepEqual(Object.fromEntries(at.counts), { accepted: 3, dropped: 2, rejected: 1 });
  });

  it('takes account, id and traceparent of one event from headers', async () => {
    await using at = await serve();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const given = { 'firehose-account': 'acme', 'firehose-event-id': 'my-id', traceparent };
    assert.equal((await at.send(one, given)).status, 200);
    const meta = decodeMeta((await held(at.eventLog))[0]?.meta ?? '');
    assert.deepEqual([meta?.account, meta?.eventId, meta?.traceparent], ['acme', 'my-id', traceparent]);
    const many = await at.send(`${one}\n${one}`, given);
    assert.equal(many.status, 400);
    assert.equal(((await many.json()) as { code: string }).code, 'headers_for_one_event');
  });

  it('refuses every token but its own as a problem, and tells nothing of it', async () => {
    await using at = await serve();
    for (const authorization of ['', 'Bearer', 'Bearer x', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, TOKEN]) {
      const response = await at.send(one, { authorization });
      assert.equal(response.status, 401);
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer /);
      assert.equal(response.headers.get('content-type'), 'application/problem+json');
      assert.equal((await response.text()).includes(TOKEN), false);
    }
    assert.deepEqual(await held(at.eventLog), []);
  });

  it('refuses a wrong token before the body has come', { timeout: 20_000 }, async () => {
    await using at = await serve();
    const socket = connect(at.port, '127.0.0.1');
    socket.write(
      `POST ${INGEST_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nAuthorization: Bearer no\r\n\r\n{`,
    );
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 401 /);
  });

  it('answers 413 over 8 MiB, whether the length is said or not', { timeout: 20_000 }, async () => {
    await using at = await serve();
    for (const header of [`Content-Length: ${MAX_BODY_BYTES + 1}`, 'Transfer-Encoding: chunked']) {
      const socket = connect(at.port, '127.0.0.1');
      socket.write(`POST ${INGEST_PATH} HTTP/1.1\r\nHost: x\r\n${header}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
      if (header.startsWith('Transfer')) {
        const size = MAX_BODY_BYTES + 1;
        socket.write(`${size.toString(16)}\r\n`);
        socket.write(Buffer.alloc(size, 0x20));
      }
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      assert.match(text, /^HTTP\/1\.1 413 [^]*body_too_large/);
    }
  });

  it('answers 400 to a body that cannot be read, 415 to an encoded one, 405 to other methods', async () => {
    await using at = await serve();
    for (const body of [null, '', '[{]']) assert.equal((await at.send(body)).status, 400);
    assert.equal((await at.send(one, { 'content-encoding': 'gzip' })).status, 415);
    const got = await at.send(null, {}, 'GET');
    assert.equal(got.status, 405);
    assert.equal(got.headers.get('allow'), 'POST');
  });

  it('answers 503 with Retry-After, and per event, while the log is out of reach', async () => {
    const away = createEmbeddedLog({ partitions: 1, maxBytes: 1024, now: Date.now });
    away.append = (events) => Promise.resolve(events.map(() => ({ outcome: 'failed', code: 'LOADING' })));
    await using at = await serve(away);
    const response = await at.send(`${one}\n{}`);
    assert.equal(response.status, 503);
    assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
    const { events } = (await response.json()) as IngestAnswer;
    assert.deepEqual(
      events.map((event) => [event.status, event.code]),
      [
        ['failed', 'LOADING'],
        ['rejected', 'invalid_event_name'],
      ],
    );
    assert.deepEqual(Object.fromEntries(at.counts), { failed: 1, rejected: 1 });
  });

  it('takes 16 batches at once and turns away the 17th, until there is room again', async () => {
    const held = Promise.withResolvers<void>();
    const eventLog = createEmbeddedLog({ partitions: 4, maxBytes: 16 * 1024 * 1024, now: Date.now });
    let waiting = 0;
    const allWait = Promise.withResolvers<void>();
    const append = eventLog.append.bind(eventLog);
    eventLog.append = async (events) => {
      waiting += 1;
      if (waiting === 16) allWait.resolve();
      await held.promise;
      return append(events);
    };
    await using at = await serve(eventLog);
    const batches = Array.from({ length: 16 }, (_, n) => at.send(one.replace('"c"', `"c${n}"`)));
    await allWait.promise;
    const refused = await at.send(one);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
    assert.equal(((await refused.json()) as { code: string }).code, 'ingest_busy');
    held.resolve();
    for (const batch of await Promise.all(batches)) assert.equal(batch.status, 200);
    assert.equal((await at.send(one)).status, 200);
  });
});
