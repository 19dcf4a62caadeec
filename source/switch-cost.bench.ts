/**
 * CPU cost of an event of a switch. Run by hand. Compares the connection and the mapper with a consumer that reads the
 * same bytes from the same socket, only parses them (AMI into keys, JSON into objects), and does nothing else.
 *   node source/switch-cost.bench.ts --as freeswitch|asterisk-ami|asterisk-ari --calls 400
 * Prints one line: events a second of CPU of both.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { createAsteriskMapper } from './asterisk/asterisk-mapper.ts';
import { createAmiSwitch } from './asterisk/switches/ami-switch.ts';
import { createAriSwitch } from './asterisk/switches/ari-switch.ts';
import { createEslSwitch } from './freeswitch/esl-switch.ts';
import { createFreeswitchMapper } from './freeswitch/freeswitch-mapper.ts';
import { subscribedEvents } from './freeswitch/subscription.ts';
import type { Mapper, SwitchEvent } from './mapper.ts';
import { defaultMappingOptions } from './mapping-options.ts';
import type { Switch } from './switch.ts';
import { manyCalls } from './testing/many-calls.ts';
import { recording } from './testing/recordings.ts';
import { feedAmi, feedAri, feedEsl, type SwitchFeed } from './testing/switch-feeds.ts';

const { values } = parseArgs({
  options: {
    as: { type: 'string', default: 'asterisk-ami' },
    calls: { type: 'string', default: '400' },
    feed: { type: 'boolean', default: false },
  },
});

const NAMES = ['hold_unhold', 'answered_caller_hangs_up', 'rejected_busy', 'attended_transfer_refer_replaces'];
const PLACE = { host: '127.0.0.1', username: 'u', password: 'p', tls: null, policy: null, now: Date.now };

/** Ends what it has started. */
type Stop = () => Promise<void> | void;
/** Reads all events from this port; `done` once the last one has arrived. */
type Reader = (port: number, done: () => void) => Promise<Stop> | Stop;

interface Contenders {
  readonly recordings: readonly string[];
  /** Follows the calls. */
  readonly last: SwitchEvent;
  readonly feed: SwitchFeed;
  readonly ours: Reader;
  readonly bare: Reader;
}

const AMI: Contenders = {
  recordings: NAMES.map((name) => `asterisk-22/ami/${name}`),
  last: { Event: 'TheEnd' },
  feed: feedAmi,
  ours: (port, done) =>
    mapped(createAmiSwitch({ ...PLACE, port }), asterisk('AMI'), (event) => event['Event'] === 'TheEnd' && done()),
  bare(port, done) {
    const socket = connect(port, '127.0.0.1');
    let rest = '';
    socket.on('data', (chunk: Buffer) => {
      const messages = (rest + chunk.toString('utf8')).split('\r\n\r\n');
      rest = messages.pop() ?? '';
      for (const message of messages) if (keysOf(message).get('Event') === 'TheEnd') done();
    });
    socket.write('EventMask');
    return () => void socket.destroy();
  },
};

const ARI: Contenders = {
  recordings: NAMES.map((name) => `asterisk-22/ari-outbound/${name}`),
  last: { type: 'TheEnd' },
  feed: feedAri,
  ours: (port, done) =>
    mapped(
      createAriSwitch({ ...PLACE, port, application: 'bench' }),
      asterisk('ARI'),
      (event) => event['type'] === 'TheEnd' && done(),
    ),
  bare(port, done) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ari/events`, { perMessageDeflate: false });
    socket.on('message', (data: Buffer) => {
      if ((JSON.parse(data.toString()) as SwitchEvent)['type'] === 'TheEnd') done();
    });
    return () => socket.terminate();
  },
};

const LAST_HEARTBEAT = { 'Event-Name': 'HEARTBEAT', 'Event-Info': 'the end' };
const FREESWITCH: Contenders = {
  recordings: ['hold_unhold', 'answered_caller_hangs_up', 'rejected_busy', 'blind_transfer_refer'].map(
    (name) => `freeswitch-1.11/esl/${name}`,
  ),
  last: LAST_HEARTBEAT,
  feed: feedEsl,
  ours: (port, done) =>
    mapped(
      createEslSwitch({ ...PLACE, port, credentials: { password: 'ClueCon' }, park: 'Valet' }),
      createFreeswitchMapper({ ...defaultMappingOptions(), park: 'Valet' }),
      (event) => event['Event-Info'] === 'the end' && done(),
    ),
  bare(port, done) {
    const socket = connect(port, '127.0.0.1');
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let body = nextBody(); body !== null; body = nextBody()) {
        if (body !== '' && (JSON.parse(body) as SwitchEvent)['Event-Info'] === 'the end') done();
      }
    });
    /** Null: incomplete; empty: the message has no event. */
    function nextBody(): string | null {
      const end = rest.indexOf('\n\n');
      if (end < 0) return null;
      const header = rest.toString('latin1', 0, end);
      const length = Number(/Content-Length: (\d+)/.exec(header)?.[1] ?? 0);
      if (rest.length < end + 2 + length) return null;
      const body = header.includes('text/event-json') ? rest.toString('utf8', end + 2, end + 2 + length) : '';
      rest = rest.subarray(end + 2 + length);
      return body;
    }
    socket.write(`auth ClueCon\n\nevent json ${subscribedEvents('Valet')}\n\n`);
    return () => void socket.destroy();
  },
};

const KINDS: Readonly<Record<string, Contenders>> = {
  freeswitch: FREESWITCH,
  'asterisk-ami': AMI,
  'asterisk-ari': ARI,
};

function asterisk(by: 'AMI' | 'ARI'): Mapper {
  return createAsteriskMapper({ ...defaultMappingOptions(), endpoint: 'pbx1', interface: by });
}

async function mapped(of: Switch, mapper: Mapper, look: (event: SwitchEvent) => unknown): Promise<Stop> {
  const listener = {
    event(event: SwitchEvent) {
      mapper.feed(event, Date.now());
      look(event);
    },
    malformed: () => undefined,
  };
  const connection = await of.open(listener, new AbortController().signal);
  return async () => connection[Symbol.asyncDispose]();
}

/** Written as short as possible. */
function keysOf(message: string): Map<string, string> {
  return new Map(message.split('\r\n').map((line) => line.split(': ', 2) as [string, string]));
}

/** Microseconds of CPU from the connection to the last event. */
async function measure(read: Reader, port: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = process.cpuUsage();
  const stop = await read(port, resolve);
  await promise;
  const { user, system } = process.cpuUsage(before);
  await stop();
  return user + system;
}

const contenders = KINDS[values.as];
if (contenders === undefined) throw new Error(`--as is one of ${Object.keys(KINDS).join(', ')}`);
if (values.feed) {
  const recordings = contenders.recordings.map((name) => recording(name));
  const copies = Math.ceil(Number(values.calls) / recordings.length);
  const events = [...manyCalls(recordings, { copies, seed: 'bench' }), contenders.last];
  process.send?.({ port: await contenders.feed(events), events: events.length });
} else {
  const feeder = fork(import.meta.filename, ['--feed', '--as', values.as, '--calls', values.calls]);
  const [{ port, events }] = (await once(feeder, 'message')) as [{ port: number; events: number }];
  // The first run of each is slower, because it is compiled.
  await measure(contenders.ours, port);
  await measure(contenders.bare, port);
  const rate = async (read: Reader) => Math.round(events / ((await measure(read, port)) / 1_000_000));
  const ours = await rate(contenders.ours);
  console.log(JSON.stringify({ ours, bare: await rate(contenders.bare), events }));
  feeder.kill();
}
