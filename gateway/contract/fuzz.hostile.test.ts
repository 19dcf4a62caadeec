import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { CLOSE } from '../../protocol/close-code.ts';
import { INGEST_PATH, LOGIN_PATH } from '../../protocol/paths.ts';
import { isLong } from '../../testing/hostile-length.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { parseDirectory } from '../directory/parse-directory.ts';
import { parseSubscription } from '../subscription/parse-subscription.ts';
import { openEvents } from '../testing/event-stream-client.ts';
import { mutate } from '../testing/fuzz/mutate.ts';
import { seeded, type Random } from '../testing/hostile.ts';
import { Documented } from '../testing/documented.ts';
import {
  assertDocumented,
  clientFrame,
  closeCode,
  rawAnswer,
  serverFrames,
  upgradeRequest,
} from '../testing/raw-client.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { inputsOf, readCorpus, type Surface } from '../testing/fuzz/corpus.ts';

const COUNT = isLong(process.env) ? 20_000 : 1_000;
const FILES = isLong(process.env) ? 5_000 : 500;
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000);
/** Concurrent inputs. */
const BATCH = 16;
/** Limit for one input. An answer that takes longer counts as a hang. */
const ANSWER_MS = 20_000;
/** Limit for one file: a parser that takes longer could be used to stop the gateway. */
const PARSE_MS = 3_000;
/** Ends a stream that the input left open. */
const CLOSE_FRAME = clientFrame(8, Buffer.from([3, 232]));
const LIMIT = { timeout: 600_000 };
const KNOWN_CLOSE = new Set<number>([...Object.values(CLOSE), 1002, 1003, 1007, 1009]);

describe(`fuzzers, FUZZ_SEED=${SEED}`, LIMIT, () => {
  let redis: RedisServer;
  let running: RunningGateway;
  let ca: string;
  let ingestToken: string;
  let token: string;

  before(async () => {
    redis = await startRedis();
    running = await startGateway({ redisUrl: redis.url });
    ca = await readFile(join(running.stateFolder, 'ca.crt'), 'utf8');
    ingestToken = (await readFile(join(running.stateFolder, 'ingest-token'), 'utf8')).trim();
    token = await running.token();
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
    await redis.stop();
  });

  async function stillServes(): Promise<void> {
    const client = await running.connect(`?token=${token}`);
    await running.ingest(`{"Event-Name":"DTMF","Call-ID":"after-${performance.now()}","Account-ID":"account_id_1"}`);
    assert.equal((await client.received(1)).length, 1);
    client.close();
  }

  async function fuzz(
    context: TestContext,
    surface: Surface,
    count: number,
    answer: (input: Buffer) => Promise<string>,
  ) {
    const corpus = await readCorpus(surface);
    const answers = new Map<string, number>();
    let batch: Buffer[] = [];
    const run = async () => {
      for (const given of await Promise.all(batch.map(answer))) answers.set(given, (answers.get(given) ?? 0) + 1);
      batch = [];
    };
    for (const input of inputsOf(corpus, count, random(surface))) {
      batch.push(input);
      if (batch.length === BATCH) await run();
    }
    await run();
    context.diagnostic(`${surface}: ${corpus.length + count} inputs, ${JSON.stringify(Object.fromEntries(answers))}`);
  }

  /**
   * `isEnough` ends the exchange. The client ends its side after `endAfterMs`, for input after which the gateway waits
   * for more.
   */
  function overTls(
    bytes: Buffer,
    isEnough: (received: Buffer) => boolean,
    endAfterMs: number | null = null,
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const localAddress = nextAddress();
      const options = { host: '127.0.0.1', port: running.gateway.port, ca, servername: 'localhost', localAddress };
      const socket = connect(options, () => socket.write(bytes));
      const end = endAfterMs === null ? undefined : setTimeout(() => socket.end(), endAfterMs);
      const hang = setTimeout(() => {
        socket.destroy();
        reject(new Error(`no answer after ${ANSWER_MS} ms to ${shown(bytes)}`));
      }, ANSWER_MS);
      let received = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (isEnough(received)) socket.destroy();
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        clearTimeout(hang);
        clearTimeout(end);
        resolve(received);
      });
    });
  }

  test('login: whatever the body is, the answer is a token or a coded problem', LIMIT, async (context) => {
    await fuzz(context, 'login', COUNT, async (body) => {
      const head = `POST ${LOGIN_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n`;
      const request = Buffer.concat([Buffer.from(`${head}Connection: close\r\n\r\n`), body]);
      return judgeAnswer(await overTls(request, () => false), request);
    });
    await stillServes();
  });

  test('upgrade: whatever the request is, the answer is a coded problem or a stream', LIMIT, async (context) => {
    await fuzz(context, 'upgrade', COUNT, async (input) => {
      const request = Buffer.from(input.toString('latin1').replaceAll('{token}', token), 'latin1');
      const endAfterMs = request.includes('\r\n\r\n') ? null : 100;
      return judgeAnswer(await overTls(request, (part) => rawAnswer(part) !== null, endAfterMs), request);
    });
    await stillServes();
  });

  test(
    'Server-Sent Events: whatever the request and its Last-Event-ID are, the answer is a coded problem or a stream',
    LIMIT,
    async (context) => {
      using client = await openEvents(running, `?token=${token}`);
      await client.announced('hello');
      const cursor = client.lastEventId;
      assert.notEqual(cursor, '');
      await fuzz(context, 'events', COUNT, async (input) => {
        const text = input.toString('latin1').replaceAll('{token}', token).replaceAll('{cursor}', cursor);
        const request = Buffer.from(text, 'latin1');
        const endAfterMs = request.includes('\r\n\r\n') ? null : 100;
        return judgeAnswer(await overTls(request, (part) => rawAnswer(part) !== null, endAfterMs), request);
      });
      await stillServes();
    },
  );

  test(
    'Server-Sent Events: a Last-Event-ID that was changed is refused, and never resumes elsewhere',
    LIMIT,
    async () => {
      using client = await openEvents(running, `?token=${token}`);
      await client.announced('hello');
      const next = random('events');
      for (let tries = 0; tries < COUNT / 10; tries += 1) {
        const id = mutate(Buffer.from(client.lastEventId), next).toString('latin1');
        // What no header can carry does not arrive; an empty one asks for nothing.
        if (!/^[\x21-\x7e]+$/.test(id) || id === client.lastEventId) continue;
        using resumed = await openEvents(running, `?token=${token}`, {
          Accept: 'text/event-stream',
          'Last-Event-ID': id,
        });
        assert.ok([400, 410, 431].includes(resumed.status), `${resumed.status} to ${id.slice(0, 300)}`);
      }
      await stillServes();
    },
  );

  test('frames: whatever follows the handshake, the end is a close code of the table', LIMIT, async (context) => {
    await fuzz(context, 'frames', COUNT / 4, async (input) => {
      const bytes = Buffer.concat([Buffer.from(upgradeRequest(token, '&v=1')), input, CLOSE_FRAME]);
      // A frame that was cut off consumes the Close after it: such a stream ends with the client's side.
      const received = await overTls(bytes, (part) => closeCode(part) !== null, 1_000);
      const code = closeCode(received);
      assert.ok(code === null || KNOWN_CLOSE.has(code), `${code} to ${shown(input)}`);
      if (code !== null) assertFrames(received);
      return String(code);
    });
    await stillServes();
  });

  test('ingest: whatever the body is, each event is taken or refused by its code', LIMIT, async (context) => {
    await fuzz(context, 'ingest', COUNT, async (body) => {
      const answer = await fetch(`http://127.0.0.1:${running.gateway.innerPort}${INGEST_PATH}`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { authorization: `Bearer ${ingestToken}`, 'content-type': 'application/x-ndjson' },
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const text = await answer.text();
      assert.ok(answer.status < 500 || answer.status === 503, `${answer.status} ${text} to ${shown(body)}`);
      assert.equal(typeof JSON.parse(text), 'object');
      return String(answer.status);
    });
    await stillServes();
  });

  for (const [surface, parse] of [
    ['directory', (text: string) => parseDirectory(text).ok],
    ['subscription', (text: string) => parseSubscription(text, 'file').value !== null],
  ] as const) {
    test(`${surface} file: whatever it holds, it is taken or refused with its faults`, LIMIT, async (context) => {
      await fuzz(context, surface, FILES, async (input) => {
        const startedAt = performance.now();
        const isTaken = parse(input.toString('utf8'));
        const took = performance.now() - startedAt;
        assert.ok(took < PARSE_MS, `${took.toFixed(0)} ms for ${shown(input)}`);
        return isTaken ? 'taken' : 'refused';
      });
    });
  }
});

/** An address with faults is served slowly: each input comes from another loopback address. */
const nextAddress = (() => {
  let number = 0;
  return () => {
    number += 1;
    return `127.${1 + ((number >> 8) % 100)}.${number % 256}.2`;
  };
})();

function random(surface: Surface): Random {
  return seeded(SEED + surface.length * 7_919);
}

/** Every frame before the Close is described by the documents (R3). */
function assertFrames(received: Buffer): void {
  const documented = new Documented();
  const texts = serverFrames(received).filter(({ opcode }) => opcode === 1);
  for (const [at, { payload }] of texts.entries()) documented.message(payload.toString('utf8'), at + 1);
  documented.assertNone();
}

function judgeAnswer(received: Buffer, request: Buffer): string {
  const text = received.toString('latin1');
  if (text === '') return 'cut';
  const answer = rawAnswer(received);
  const what = `${text.slice(0, 400)} to ${shown(request)}`;
  assert.ok(answer !== null, `half an answer: ${what}`);
  assert.ok(answer.status < 500 || answer.status === 503, what);
  if (answer.status >= 400) assert.match(text, /problem\+json[^]*"code":"[a-z_]+"/, what);
  assertDocumented(request, answer);
  return String(answer.status);
}

function shown(input: Buffer): string {
  return JSON.stringify(input.subarray(0, 300).toString('latin1'));
}
