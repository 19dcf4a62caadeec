import { setTimeout as delay } from 'node:timers/promises';
import { ACCOUNT, PARTITIONS } from './configuration.ts';
import { start, type Conversation } from './processes.ts';
import type { Mark } from './sample.ts';
import type { Bench, Server } from './servers.ts';

const READY_LIMIT_MS = 60_000;
const POLL_MS = 20;
/** A run whose receiver gets nothing for this long is complete. */
const STALL_MS = 4_000;

/** Both ends of the load: the receiver and the publisher. */
export interface Load extends AsyncDisposable {
  readonly connections: number;
  mark(): Promise<Mark>;
  /** Drops the latencies so far. */
  reset(): void;
  /** Deliveries owed for the published events: each matching event to each connection. */
  owed(): number;
  /** Publishes so fast that `ahead` matching events are pending, until the time is over. */
  feed(ms: number, ahead: number): Promise<void>;
  /** Publishes at a fixed rate, even if nothing keeps up. */
  pace(rate: number, seconds: number): Promise<Published>;
  /** Waits until everything owed has arrived, or nothing arrives any more. */
  drain(): Promise<Mark>;
}

export interface Published {
  /** Since the start of the publisher. */
  readonly produced: number;
  readonly matched: number;
  /** How late the latest event was sent. */
  readonly lateUs: number;
  readonly elapsedUs: number;
  readonly cpuUs: number;
}

export interface LoadOptions {
  readonly connections: number;
  /** The frames of every n-th connection are parsed. */
  readonly sampleEvery: number;
  /** Every n-th event matches no connection; 0: none. */
  readonly fillerEvery: number;
  /** Every n-th event belongs to a recorded trace; default 0: none. */
  readonly tracedEvery?: number;
  /** Events belong to this many accounts below the one that all clients see; default 0: to that one itself. */
  readonly accounts?: number;
}

function receiverFor(programs: Bench['programs'], { isTls = false, content }: Server): string | null {
  if (content === undefined) return isTls ? programs.receiverTls : programs.receiver;
  return isTls ? programs.receiverDeflateTls : programs.receiverDeflate;
}

/** Settles when all clients are subscribed. */
export async function connectAll(
  { programs }: Bench,
  server: Server,
  { connections, sampleEvery }: Pick<LoadOptions, 'connections' | 'sampleEvery'>,
): Promise<Conversation> {
  const program = receiverFor(programs, server);
  if (program === null) throw new Error('unreachable: nothing is measured without a receiver for it');
  const receive = [program, server.port, connections, server.targets, sampleEvery, server.dialect].map(String);
  const extension = server.content === undefined ? [] : [server.content.extension];
  const receiver = await start([...receive, ...extension], { place: 'load' });
  await receiver.next((line) => (line === 'READY' ? true : null), READY_LIMIT_MS);
  return receiver;
}

/** Opens all connections first: nothing is published or counted before all are open. */
export async function startLoad(bench: Bench, server: Server, options: LoadOptions): Promise<Load> {
  const { connections, sampleEvery, fillerEvery, tracedEvery = 0, accounts = 0 } = options;
  const { programs } = bench;
  await using stack = new AsyncDisposableStack();
  const receiver = stack.use(await connectAll(bench, server, { connections, sampleEvery }));
  const { feedPort, dialect } = server;
  const events = [ACCOUNT, PARTITIONS, fillerEvery, dialect, tracedEvery, accounts];
  const file = server.content === undefined ? [] : [server.content.file];
  const publish = [programs.publisher, feedPort, ...events, ...file].map(String);
  const publisher = stack.use(await start(publish, { place: 'load' }));
  const owned = stack.move();
  return loadOf({ receiver, publisher, connections, fillerEvery, owned });
}

interface Ends {
  readonly receiver: Conversation;
  readonly publisher: Conversation;
  readonly connections: number;
  readonly fillerEvery: number;
  readonly owned: AsyncDisposableStack;
}

function loadOf({ receiver, publisher, connections, fillerEvery, owned }: Ends): Load {
  const matching = fillerEvery === 0 ? 1 : 1 - 1 / fillerEvery;
  let matched = 0;
  const mark = () => receiver.ask<Mark>('mark');
  const owed = () => matched * connections;
  const publish = async (command: string, limitMs: number) => {
    const published = await publisher.ask<Published>(command, limitMs);
    matched = published.matched;
    return published;
  };
  return {
    connections,
    mark,
    owed,
    reset: () => receiver.tell('reset'),
    async feed(ms, ahead) {
      const end = performance.now() + ms;
      while (performance.now() < end) {
        const out = matched - (await mark()).frames / connections;
        const events = Math.ceil((ahead - out) / matching);
        if (out < ahead * 0.75) await publish(`burst ${events}`, READY_LIMIT_MS);
        else await delay(Math.max(0, Math.min(POLL_MS, end - performance.now())));
      }
    },
    pace: (rate, seconds) => publish(`pace ${rate} ${Math.round(rate * seconds)}`, seconds * 3_000 + READY_LIMIT_MS),
    async drain() {
      let last = await mark();
      let movedAt = performance.now();
      while (last.frames < owed() && performance.now() - movedAt < STALL_MS) {
        await delay(POLL_MS);
        const next = await mark();
        if (next.frames > last.frames) movedAt = performance.now();
        last = next;
      }
      return last;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
