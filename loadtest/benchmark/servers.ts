import { fileURLToPath } from 'node:url';
import { startRabbit } from '../../testing/rabbitmq-server.ts';
import type { RedisServer } from '../../testing/redis-server.ts';
import { SHIPPED_FLAGS } from '../../testing/shipped-flags.ts';
import type { Programs } from './compile.ts';
import type { CoreDistance } from './core-distance.ts';
import { PARTITIONS, type Configuration } from './configuration.ts';
import { start, type Conversation } from './processes.ts';

/** How a server gets its events and which protocol its clients use, as in `native/dialect.h`. */
export type Dialect = 'firehose' | 'socketio' | 'nats' | 'centrifugo' | 'sse';

/** A server under test. */
export interface Server extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** File of request targets for the receiver. */
  readonly targets: string;
  /** Starts writing, for servers that make their own events; the others get them through Redis. */
  readonly begin: (() => void) | null;
  readonly dialect: Dialect;
  /** Where its events are published: Redis's port, for NATS its own. */
  readonly feedPort: number;
  /** Runs on several threads: the wait of its main thread shows nothing. */
  readonly isManyThreaded?: boolean;
  readonly isTls?: boolean;
  /** It gets events from this file, and its clients offer this extension and check whole events. */
  readonly content?: { readonly file: string; readonly extension: 'permessage-deflate' | 'none' };
}

/** The inputs of every server. */
export interface Bench {
  readonly programs: Programs;
  readonly redis: RedisServer;
  readonly configuration: Configuration;
  readonly distance: CoreDistance;
}

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** As in `npm start`. */
const COMMAND = ['--import', at('../../runtime/telemetry/start.ts'), at('../../cli/firehose.ts')];

interface Place {
  readonly port: number;
}

export function portLine(line: string): Place | null {
  return line.startsWith('{"port":') ? (JSON.parse(line) as Place) : null;
}

export function serverOf(
  process: Conversation,
  port: number,
  rest: Omit<Server, 'pid' | 'port' | keyof AsyncDisposable>,
): Server {
  return { pid: process.pid, port, ...rest, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

const ours = (bench: Bench) => ({ dialect: 'firehose', feedPort: bench.redis.port }) as const;

export interface GatewayOptions {
  /** Accounts below the one that all its clients see; default 0. */
  readonly accounts?: number;
  readonly isTls?: boolean;
  /** Keeps the table of live calls. */
  readonly calls?: boolean;
  /** Further settings, for one that exports. */
  readonly telemetry?: Readonly<Record<string, string>>;
  /** Without the session journal, which no setting turns off. */
  readonly hasNoJournal?: boolean;
  readonly content?: NonNullable<Server['content']>;
}

/** The gateway as shipped, without TLS unless requested. */
export async function startGateway(bench: Bench, filters: number, options: GatewayOptions = {}): Promise<Server> {
  const { accounts = 0, isTls = false, calls = false, telemetry = {}, content } = options;
  const { configuration, redis } = bench;
  const changed =
    options.hasNoJournal === true ? ['--import', at('../../gateway/journal/without-journal.bench.ts')] : [];
  const gateway = await start([process.execPath, ...SHIPPED_FLAGS, ...changed, ...COMMAND, 'gateway'], {
    place: 'server',
    environment: {
      NODE_ENV: 'production',
      FIREHOSE_CONFIG: await configuration.configFolder(accounts, { isTls, calls }),
      FIREHOSE_STATE: configuration.stateFolder,
      FIREHOSE_HOST: '127.0.0.1',
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
      REDIS_URL: redis.url,
      LOG_LEVEL: 'info',
      ...telemetry,
    },
  });
  const { port } = await gateway.next((line) => {
    const entry = (line.startsWith('{') ? JSON.parse(line) : {}) as { msg?: string; port?: number };
    return entry.msg === 'listening' && entry.port !== undefined ? { port: entry.port } : null;
  });
  return serverOf(gateway, port, {
    ...ours(bench),
    targets: await configuration.targets(filters),
    begin: null,
    isTls,
    ...(content !== undefined && { content }),
  });
}

export async function startNaiveGateway(bench: Bench): Promise<Server> {
  const naive = await start([process.execPath, at('naive-gateway.ts')], {
    place: 'server',
    environment: { NODE_ENV: 'production', REDIS_URL: bench.redis.url, PARTITIONS: String(PARTITIONS) },
  });
  const { port } = await naive.next(portLine);
  return serverOf(naive, port, { targets: bench.configuration.anyTarget, begin: null, ...ours(bench) });
}

/** The gateway's fan-out with nothing before it: rounds of a fixed number of matching events. */
export async function startStage(
  bench: Bench,
  options: {
    readonly batch: number;
    readonly filters: '1' | 'distinct';
    readonly seconds: number;
    readonly isTls?: boolean;
    readonly content?: NonNullable<Server['content']>;
    readonly hasPrivacy?: boolean;
    /** Its clients read Server-Sent Events. */
    readonly isEvents?: boolean;
  },
): Promise<Server> {
  const { batch, filters, seconds, isTls = false, content, hasPrivacy = false, isEvents = false } = options;
  const args = [
    'stage',
    `--batch=${batch}`,
    `--filters=${filters}`,
    `--seconds=${seconds}`,
    ...(isTls ? ['--tls'] : []),
    ...(content === undefined ? [] : ['--events', content.file]),
    ...(hasPrivacy ? ['--privacy'] : []),
  ];
  const stage = await start([process.execPath, ...SHIPPED_FLAGS, at('../../gateway/fanout/fanout.bench.ts'), ...args], {
    place: 'server',
  });
  const { port } = await stage.next(portLine);
  return serverOf(stage, port, {
    targets: bench.configuration.anyTarget,
    begin: () => stage.tell('start'),
    isTls,
    ...(content !== undefined && { content }),
    ...ours(bench),
    ...(isEvents && { dialect: 'sse' }),
  });
}

/** Compression with a window for each connection. */
export async function startDeflating(bench: Bench, file: string): Promise<Server> {
  const server = await start([process.execPath, at('deflating-server.ts'), file], {
    place: 'server',
    environment: { NODE_ENV: 'production' },
  });
  const { port } = await server.next(portLine);
  return serverOf(server, port, {
    targets: bench.configuration.anyTarget,
    begin: () => server.tell('start'),
    isManyThreaded: true,
    content: { file, extension: 'permessage-deflate' },
    ...ours(bench),
  });
}

/** Only write() in C; of events of 1,025 bytes by default. */
export async function startFloor(bench: Bench, batch: number, eventBytes?: number): Promise<Server> {
  const size = eventBytes === undefined ? [] : [String(eventBytes)];
  const floor = await start([bench.programs.floor, String(batch), ...size], { place: 'server' });
  const { port } = await floor.next(portLine);
  return serverOf(floor, port, {
    targets: bench.configuration.anyTarget,
    begin: () => floor.tell('start'),
    ...ours(bench),
  });
}

/** Only writes of Node.js over TLS. */
export async function startTlsFloor(bench: Bench): Promise<Server> {
  const floor = await start([process.execPath, ...SHIPPED_FLAGS, at('../../gateway/tls/tls-alone.bench.ts')], {
    place: 'server',
    environment: { NODE_ENV: 'production' },
  });
  const { port } = await floor.next(portLine);
  return serverOf(floor, port, {
    targets: bench.configuration.anyTarget,
    begin: () => floor.tell('start'),
    isTls: true,
    ...ours(bench),
  });
}

/** The same as `startFloor`, at a rate: `rate` times a second it writes one event to each connection. */
export async function startPacedFloor(bench: Bench, rate: number): Promise<Server> {
  const floor = await start([bench.programs.floor, '1'], { place: 'server' });
  const { port } = await floor.next(portLine);
  let timer: NodeJS.Timeout | null = null;
  const server = serverOf(floor, port, {
    targets: bench.configuration.anyTarget,
    begin: () => (timer = setInterval(() => floor.tell('once'), 1_000 / rate)),
    ...ours(bench),
  });
  const end = async () => {
    if (timer !== null) clearInterval(timer);
    await server[Symbol.asyncDispose]();
  };
  return { ...server, [Symbol.asyncDispose]: end };
}

export interface MatchCost {
  /** Nanoseconds for each event. */
  readonly scanNs: number;
  readonly indexNs: number;
  readonly hotNs: number;
  /** Whether index and scan found the same. */
  readonly agree: boolean;
}

export interface DurableRate {
  /** Acknowledged events a second: through the groups' engine, and only by XREADGROUP and XACK at 500. */
  readonly durable: number;
  readonly bare: number;
  readonly redelivered: number;
}

/** The engine of durable groups on a Redis of its own, without sockets. */
export async function measureDurable(redis: RedisServer, events: number): Promise<DurableRate> {
  await redis.restart();
  const args = ['--url', redis.url, '--events', String(events)];
  await using durable = await start(
    [process.execPath, ...SHIPPED_FLAGS, at('../../gateway/group/group.bench.ts'), ...args],
    {
      place: 'server',
    },
  );
  return await durable.next((line) => (line.startsWith('{') ? (JSON.parse(line) as DurableRate) : null), 120_000);
}

export interface WebhookRate {
  /** Acknowledged requests a second. */
  readonly ours: number;
  readonly bare: number;
  readonly oursTls: number;
  readonly bareTls: number;
  /** Milliseconds from append to receipt, alone and beside a receiver that never answers. */
  readonly p99: number;
  readonly p99Beside: number;
}

/** A gateway with a webhook, and a bare loop: each shares its core with the same receiver. Redis has the other core. */
export async function measureWebhooks(redis: RedisServer, events: number): Promise<WebhookRate> {
  await redis.restart();
  const args = ['--url', redis.url, '--events', String(events)];
  const program = at('../../gateway/webhook/webhook.bench.ts');
  await using webhooks = await start([process.execPath, ...SHIPPED_FLAGS, program, ...args], { place: 'server' });
  return await webhooks.next((line) => jsonLine<WebhookRate>(line), 180_000);
}

export interface SwitchRate {
  /** Events a second of CPU: of the source, and of a consumer that only parses. */
  readonly ours: number;
  readonly bare: number;
}

/** Calls of a switch whose far end is a process that replays recordings. */
export async function measureSwitch(as: string, calls: number): Promise<SwitchRate> {
  const command = [process.execPath, at('../../source/switch-cost.bench.ts'), '--as', as, '--calls', String(calls)];
  await using cost = await start(command, { place: 'server' });
  return await cost.next((line) => jsonLine<SwitchRate>(line), 120_000);
}

export interface KazooRate extends SwitchRate {
  /** The same, from the bus into the log; and of a consumer that appends without reading. */
  readonly whole: number;
  readonly appending: number;
}

/** Messages of a RabbitMQ of its own, into a Redis of its own. */
export async function measureKazoo(redis: RedisServer, events: number, rounds: number): Promise<readonly KazooRate[]> {
  await using rabbit = await startRabbit();
  await redis.restart();
  const args = ['--amqp', rabbit.url, '--redis', redis.url, '--events', String(events), '--rounds', String(rounds)];
  await using kazoo = await start([process.execPath, at('../../source/kazoo/kazoo.bench.ts'), ...args], {
    place: 'server',
  });
  const found: KazooRate[] = [];
  while (found.length < rounds) found.push(await kazoo.next((line) => jsonLine<KazooRate>(line), 240_000));
  return found;
}

export interface StandbyCost {
  /** Bytes of memory for each kept event, and the size that the limit of a standby counts for it. */
  readonly eventBytes: number;
  readonly countedBytes: number;
  /** Milliseconds from the death of a leader until the log has the events since then. */
  readonly takeoverMs: number;
}

/** Replicas of a source of FreeSWITCH in one process, with a Redis of their own. */
export async function measureStandby(): Promise<StandbyCost> {
  const command = [process.execPath, '--expose-gc', at('../../source/collector/collector.bench.ts'), '--standby'];
  await using standby = await start(command, { place: 'server' });
  return await standby.next((line) => jsonLine<StandbyCost>(line), 120_000);
}

function jsonLine<T>(line: string): T | null {
  return line.startsWith('{') ? (JSON.parse(line) as T) : null;
}

interface ClientRate {
  readonly language: string;
  /** Events a second of CPU, with the client library and without one. */
  readonly client: number;
  readonly bare: number;
}

/** One of each language for each round. */
export async function measureClients(rounds: number): Promise<readonly ClientRate[]> {
  const command = [process.execPath, at('../../clients/rates/rates.bench.ts'), '--rounds', String(rounds)];
  await using rates = await start(command, { place: 'server' });
  const found: ClientRate[] = [];
  while (found.length < rounds * 2) {
    found.push(await rates.next((line) => (line.startsWith('{') ? (JSON.parse(line) as ClientRate) : null), 240_000));
  }
  return found;
}

export async function measureMatch(subscriptions: number): Promise<MatchCost> {
  const args = ['match', '--subscriptions', String(subscriptions)];
  await using match = await start(
    [process.execPath, ...SHIPPED_FLAGS, at('../../gateway/fanout/fanout.bench.ts'), ...args],
    {
      place: 'server',
    },
  );
  return await match.next((line) => (line.startsWith('{') ? (JSON.parse(line) as MatchCost) : null), 120_000);
}
