/**
 * What an event of Asterisk costs by AMI, to be run by hand: the connection and the mapper, against a consumer that reads
 * the same bytes from the same socket and splits them into messages and their keys, and does nothing else.
 *   node source/asterisk/switches/ami.bench.ts --calls 4000
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import type { SwitchEvent } from '../../mapper.ts';
import { defaultMappingOptions } from '../../mapping-options.ts';
import { manyCalls } from '../../testing/many-calls.ts';
import { recording } from '../../testing/recordings.ts';
import { createAsteriskMapper } from '../asterisk-mapper.ts';
import { createAmiSwitch } from './ami-switch.ts';

const { values } = parseArgs({
  options: { calls: { type: 'string', default: '4000' }, feed: { type: 'boolean', default: false } },
});
const PARTS = ['hold_unhold', 'answered_caller_hangs_up', 'rejected_busy', 'attended_transfer_refer_replaces'];

/** Answers as a manager interface does, then says all that it has: to `bare` at once, else once events are on. */
async function feed(copies: number): Promise<void> {
  const calls = PARTS.map((name) => recording(`asterisk-22/ami/${name}`));
  const text = manyCalls(calls, { copies, seed: 'bench' }).map((event) => wire(event));
  const stream = Buffer.from(`${text.join('')}Event: TheEnd\r\n\r\n`);
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('Asterisk Call Manager/11.0.0\r\n');
    socket.on('data', (chunk: Buffer) => answer(socket, chunk.toString(), stream));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.({ port: (server.address() as AddressInfo).port, events: text.length });
}

function answer(socket: Socket, text: string, stream: Buffer): void {
  for (const [, id = ''] of text.matchAll(/ActionID: (\S+)/g)) {
    const facts = 'Challenge: 1\r\nCoreStartupDate: d\r\nCoreStartupTime: t\r\nAsteriskVersion: 22';
    socket.write(`Response: Success\r\nActionID: ${id}\r\n${facts}\r\n\r\n`);
  }
  if (text.startsWith('bare') || text.includes('EventMask')) socket.write(stream);
}

function wire(event: SwitchEvent): string {
  const lines = Object.entries(event).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `${key}: ${String(one)}\r\n`),
  );
  return `${lines.join('')}\r\n`;
}

/** Microseconds of CPU from the connection to the last event. */
async function measure(run: (done: () => void) => Promise<() => Promise<void>>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = process.cpuUsage();
  const close = await run(resolve);
  await promise;
  const { user, system } = process.cpuUsage(before);
  await close();
  return user + system;
}

function byAmi(port: number): Promise<number> {
  const mapper = createAsteriskMapper({ ...defaultMappingOptions(), endpoint: 'pbx1', interface: 'AMI' });
  return measure(async (done) => {
    const login = { username: 'u', password: 'p', tls: null, policy: null, now: Date.now };
    const listener = {
      event(event: SwitchEvent) {
        if (event['Event'] === 'TheEnd') done();
        else mapper.feed(event, Date.now());
      },
      malformed: () => undefined,
    };
    const created = createAmiSwitch({ host: '127.0.0.1', port, ...login });
    const connection = await created.open(listener, new AbortController().signal);
    return async () => connection[Symbol.asyncDispose]();
  });
}

function bare(port: number): Promise<number> {
  return measure(async (done) => {
    const socket = connect(port, '127.0.0.1');
    let rest = '';
    socket.on('data', (chunk: Buffer) => {
      const messages = (rest + chunk.toString('utf8')).split('\r\n\r\n');
      rest = messages.pop() ?? '';
      for (const message of messages) if (keysOf(message).get('Event') === 'TheEnd') done();
    });
    socket.write('bare');
    return () => {
      socket.destroy();
      return Promise.resolve();
    };
  });
}

/** As short as it can be written. */
function keysOf(message: string): Map<string, string> {
  return new Map(message.split('\r\n').map((line) => line.split(': ', 2) as [string, string]));
}

if (values.feed) await feed(Number(values.calls) / PARTS.length);
else {
  const feeder = fork(import.meta.filename, ['--feed', '--calls', values.calls]);
  const [{ port, events }] = (await once(feeder, 'message')) as [{ port: number; events: number }];
  // The first of each is slower: it is compiled.
  await byAmi(port);
  await bare(port);
  const rate = (cpuUs: number) => Math.round(events / (cpuUs / 1_000_000));
  const [ami, split] = [rate(await byAmi(port)), rate(await bare(port))];
  console.log(JSON.stringify({ ami, bare: split, events }));
  feeder.kill();
}
