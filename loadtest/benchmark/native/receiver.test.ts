import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer, type WebSocket } from 'ws';
import { CompilerFault, compilePrograms, type Programs } from '../compile.ts';
import { eventLines } from '../event-file.ts';
import { start } from '../processes.ts';
import type { Mark } from '../sample.ts';
import type { Dialect } from '../servers.ts';

const LIMIT = { timeout: 60_000 };
type FramedDialect = Exclude<Dialect, 'sse'>;
const event = (sequence: number) =>
  `{"Event-Name":"CHANNEL_ANSWER","Bench-Part":0,"Bench-Seq":${sequence},"Bench-Sent":1,"Filler":"${'x'.repeat(900)}"}`;

/** How a server of each dialect begins, and confirms a client's subscription. */
const GREETINGS: Readonly<Record<FramedDialect, { first: string; asked: RegExp; answer: string }>> = {
  firehose: { first: '', asked: /^/, answer: '' },
  socketio: { first: '0{"sid":"a"}', asked: /^40$/, answer: '40{"sid":"b"}' },
  nats: { first: 'INFO {"a":1}\r\n', asked: /SUB bench 1\r\nPING\r\n$/, answer: 'PONG\r\n' },
  centrifugo: {
    first: '',
    asked: /"subscribe"/,
    answer: '{"id":1,"connect":{"client":"c"}}\n{"id":2,"subscribe":{}}',
  },
};

/** The messages as frames of a dialect; those of NATS are cut within messages. */
function framesOf(dialect: FramedDialect, events: readonly string[]): string[] {
  if (dialect === 'socketio') return events.map((one) => `42["event",${one}]`);
  if (dialect === 'centrifugo') {
    const lines = events.map((one) => `{"push":{"channel":"bench","pub":{"data":${one}}}}`);
    return [lines.slice(0, 2).join('\n'), '{}', ...lines.slice(2)];
  }
  if (dialect === 'firehose') return [...events];
  const bytes = events.map((one) => `MSG bench 1 ${one.length}\r\n${one}\r\n`).join('');
  return [bytes.slice(0, 7), bytes.slice(7, 500), bytes.slice(500, 501), bytes.slice(501)];
}

async function compiled(t: TestContext): Promise<Programs | null> {
  try {
    return await compilePrograms();
  } catch (error) {
    if (!(error instanceof CompilerFault)) throw error;
    t.skip('there is no C compiler');
    return null;
  }
}

/** The receiver's counts for these events. */
async function count(programs: Programs, dialect: FramedDialect, sequence: readonly number[]): Promise<Mark> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-receiver-'));
  const targets = join(folder, 'targets');
  await writeFile(targets, '/\n');
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  const { first, asked, answer } = GREETINGS[dialect];
  const sockets: WebSocket[] = [];
  server.on('connection', (socket) => {
    sockets.push(socket);
    if (first !== '') socket.send(first);
    socket.on('message', (data) => asked.test((data as Buffer).toString()) && socket.send(answer));
  });
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await using receiver = await start([programs.receiver, String(port), '2', targets, '1', dialect], {
      place: 'load',
    });
    await receiver.next((line) => (line === 'READY' ? true : null));
    for (const socket of sockets) for (const frame of framesOf(dialect, sequence.map(event))) socket.send(frame);
    let mark = await receiver.ask<Mark>('mark');
    while (mark.frames < sequence.length * 2) {
      await delay(10);
      mark = await receiver.ask<Mark>('mark');
    }
    return mark;
  } finally {
    for (const socket of sockets) socket.terminate();
    server.close();
    await rm(folder, { recursive: true });
  }
}

test('sse: events of a call count once, frames and comments not, wherever the bytes are cut', LIMIT, async (t) => {
  const programs = await compiled(t);
  if (programs === null) return;
  const folder = await mkdtemp(join(tmpdir(), 'firehose-receiver-'));
  const targets = join(folder, 'targets');
  await writeFile(targets, '/\n');
  const hello = 'retry: 1000\n\nevent: firehose\nid: a\ndata: {"type":"hello"}\n\n:\n\n';
  const bytes = [1, 2, 2, 5, 3].map((n) => `id: c${n}\ndata: ${event(n)}\n\n`).join('');
  const answers: ServerResponse[] = [];
  const server = createServer((_, response) => {
    answers.push(response);
    response.socket?.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n${hello}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await using receiver = await start([programs.receiver, String(port), '2', targets, '1', 'sse'], { place: 'load' });
    await receiver.next((line) => (line === 'READY' ? true : null));
    for (const { socket } of answers) for (const part of [bytes.slice(0, 7), bytes.slice(7)]) socket?.write(part);
    let mark = await receiver.ask<Mark>('mark');
    while (mark.frames < 10) {
      await delay(10);
      mark = await receiver.ask<Mark>('mark');
    }
    assert.deepEqual(
      [mark.frames, mark.sampled, mark.missing, mark.doubled, mark.inverted, mark.unreadable],
      [10, 10, 4, 2, 2, 0],
    );
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
});

for (const dialect of Object.keys(GREETINGS) as FramedDialect[]) {
  test(`${dialect}: every event counts once, in whatever frames it comes`, LIMIT, async (t) => {
    const programs = await compiled(t);
    if (programs === null) return;
    const right = await count(programs, dialect, [1, 2, 3, 4]);
    assert.deepEqual(
      [right.frames, right.sampled, right.missing, right.doubled, right.inverted, right.unreadable, right.closed],
      [8, 8, 0, 0, 0, 0, 0],
    );
    const wrong = await count(programs, dialect, [1, 2, 2, 5, 3]);
    assert.deepEqual([wrong.missing, wrong.doubled, wrong.inverted], [4, 2, 2]);
  });
}

/** The receiver's counts for these texts, sent compressed or uncompressed. */
async function countContent(program: string, isDeflated: boolean, texts: readonly string[]): Promise<Mark> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-receiver-'));
  const targets = join(folder, 'targets');
  await writeFile(targets, '/\n');
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: isDeflated });
  const sockets: WebSocket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const extension = isDeflated ? 'permessage-deflate' : 'none';
    await using receiver = await start([program, String(port), '2', targets, '1', 'firehose', extension], {
      place: 'load',
    });
    await receiver.next((line) => (line === 'READY' ? true : null));
    for (const socket of sockets) for (const text of texts) socket.send(text);
    let mark = await receiver.ask<Mark>('mark');
    while (mark.frames < texts.length * 2) {
      await delay(10);
      mark = await receiver.ask<Mark>('mark');
    }
    return mark;
  } finally {
    for (const socket of sockets) socket.terminate();
    server.close();
    await rm(folder, { recursive: true });
  }
}

for (const isDeflated of [true, false]) {
  const how = isDeflated ? 'compressed' : 'as they are';
  test(`events of calls that come ${how} are looked into to the last byte`, LIMIT, async (t) => {
    const program = (await compiled(t))?.receiverDeflate;
    if (typeof program !== 'string') return t.skip('there is no zlib to build it with');
    const lines = eventLines('account');
    const text = (sequence: number) => `{"Bench-Part":0,"Bench-Seq":${sequence},"Bench-Sent":1,${lines[sequence]}`;
    const right = await countContent(program, isDeflated, [1, 2, 3, 4, 5].map(text));
    assert.deepEqual(
      [right.sampled, right.missing, right.doubled, right.inverted, right.unreadable, right.closed],
      [10, 0, 0, 0, 0, 0],
    );
    assert.equal(right.bytes < 5 * text(1).length, isDeflated);
    const altered = text(2).replace(/.("}*)$/, '!$1');
    const wrong = await countContent(program, isDeflated, [text(1), altered, text(4), text(4)]);
    assert.deepEqual([wrong.unreadable, wrong.missing, wrong.doubled], [2, 4, 2]);
  });
}
