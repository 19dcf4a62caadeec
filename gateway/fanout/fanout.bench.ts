/**
 * The fan-out alone, for `npm run bench`: no log, no login.
 *   stage --batch 32 --filters 1|distinct --seconds 3 [--tls] [--events FILE] [--privacy]
 *     prints {"port":N}, accepts WebSocket upgrades, and on "start" sends rounds as fast as the sockets drain.
 * Compresses for clients
 *     that offer it, and applies a privacy profile with --privacy. FILE as loadtest/benchmark/event-file.ts writes it.
 *     A GET without an upgrade is answered with Server-Sent Events
 *   match --subscriptions 10000
 *     prints nanoseconds an event for a scan of all filters, the index without memo, and with it
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';
import { encodeMeta } from '../../protocol/entry.ts';
import { privacy as privacySchema } from '../../protocol/subscription/privacy.ts';
import { createAuthority, issueCertificate, type CertificatePem } from '../../runtime/certificates/certificate.ts';
import type { Grant } from '../auth/grant.ts';
import type { Directory } from '../directory/directory.ts';
import { createPseudonyms } from '../privacy/pseudonyms.ts';
import { redactorOf, type Redactor } from '../privacy/redactor.ts';
import { negotiate } from '../session/negotiate.ts';
import { cursors } from '../testing/cursors.ts';
import { expectedNotices } from '../testing/notices.ts';
import { treeOf } from '../testing/tree.ts';
import { TLS_OPTIONS } from '../tls/options.ts';
import { OPEN, SocketWriter } from '../session/socket-writer.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { Encodings, PLAIN } from './encoding.ts';
import { Fanout } from './fanout.ts';
import { accepts, RouteIndex } from './route-index.ts';
import { View, viewKey } from './view.ts';

const ROOT = 'root';
/** One of every five events is for no connection here, so that a filtered view has to be assembled. */
const FILLER_EVERY = 4;

function tree(accounts: number): Directory {
  return treeOf([[ROOT, null], ...Array.from({ length: accounts }, (_, at): [string, string] => [`a${at}`, ROOT])]);
}

/** Bodies from a file of events, after the marker that the receiver searches for; equal events without a file. */
function bodiesOf(file: string): readonly string[] {
  return file === '' ? [] : readFileSync(file, 'utf8').trimEnd().split('\n');
}

function entry(sequence: number, name: string, account: string, bodies: readonly string[] = []): StoredEntry {
  const meta = encodeMeta({
    name,
    account,
    callId: `c${sequence}`,
    eventId: `e${sequence}`,
    ingestedAt: '',
    traceparent: '',
  });
  const id = `${sequence}-0`;
  if (bodies.length > 0) {
    const body = bodies[sequence % bodies.length] ?? '';
    return { partition: 0, id, meta, data: Buffer.from(`{"Bench-Seq":${sequence},"Bench-Sent":0,${body}`) };
  }
  const head = `{"Event-Name":"${name}","Bench-Seq":${sequence},"Bench-Sent":0,"Filler":"`;
  return { partition: 0, id, meta, data: Buffer.from(`${head}${'x'.repeat(1_023 - head.length)}"}`) };
}

interface StageOptions {
  readonly batch: number;
  readonly distinct: boolean;
  readonly seconds: number;
  readonly tls: boolean;
  readonly events: string;
  readonly privacy: boolean;
}

/** A profile with every default, which keeps the marker of the receiver. */
function profile(): Redactor | null {
  const fields = ['Bench-Seq', 'Bench-Sent'].map((name) => ({ name, action: 'Keep' }));
  const ofLog = (text: string) => createHmac('sha256', 'benchmark').update(text).digest('base64url').slice(0, 16);
  const [declared] = privacySchema.parse({ profiles: [{ name: 'bench', fields }], default: 'bench' }).profiles;
  return declared === undefined ? null : redactorOf(declared, createPseudonyms({ keys: null, ofLog }));
}

async function stage(options: StageOptions): Promise<void> {
  const fanout = new Fanout({
    directory: tree(1),
    offers: () => true,
    cursors,
    isEncrypted: options.tls,
    pages: async (from) => ({ kind: 'page', rounds: [], ids: from.ids, complete: true }),
  });
  fanout.restart({ epoch: 'bench', oldest: ['0-0'], newest: ['0-0'], trimmed: ['0-0'] });
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: { clientNoContextTakeover: true },
    clientTracking: false,
  });
  const privacy = options.privacy ? profile() : null;
  const server = options.tls ? createTlsServer({ ...(await certificate()), ...TLS_OPTIONS }) : createServer();
  let connected = 0;
  server.on('upgrade', (request, socket, head) => {
    const { transport, offer } = negotiate(request.headers['sec-websocket-extensions']);
    if (offer === null) delete request.headers['sec-websocket-extensions'];
    else request.headers['sec-websocket-extensions'] = offer;
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      connected += 1;
      const events = options.distinct ? ['CHANNEL_ANSWER', `BENCH_${connected}`] : ['CHANNEL_ANSWER'];
      const connection = fanout.join({
        grant: { account: ROOT, accounts: null, events },
        form: { ...PLAIN, transport, privacy },
        sink: new SocketWriter(socket as Socket, webSocket),
        notices: expectedNotices({ lost: () => webSocket.terminate() }),
      });
      webSocket.on('error', () => webSocket.terminate());
      webSocket.on('close', () => fanout.leave(connection));
    });
  });
  server.on('request', ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
    const connection = fanout.join({
      grant: { account: ROOT, accounts: null, events: ['CHANNEL_ANSWER'] },
      form: { ...PLAIN, framing: 'sse', privacy },
      sink: new SocketWriter(socket, { readyState: OPEN }),
      notices: expectedNotices({ lost: () => socket.destroy() }),
    });
    socket.on('error', () => socket.destroy()).on('close', () => fanout.leave(connection));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  say({ port: (server.address() as AddressInfo).port });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === 'start') say(await feed(fanout, options));
  }
}

async function certificate(): Promise<CertificatePem> {
  const common = { now: Date.now(), days: 1 };
  const authority = await createAuthority({ ...common, subject: 'CN=benchmark authority' });
  return issueCertificate(authority, { ...common, subject: 'CN=benchmark', usage: 'server', ips: ['127.0.0.1'] });
}

async function feed(fanout: Fanout, options: Pick<StageOptions, 'batch' | 'seconds' | 'events'>) {
  const bodies = bodiesOf(options.events);
  const before = process.cpuUsage();
  const deliveries = fanout.counters.deliveries;
  const start = performance.now();
  let sequence = 0;
  while (performance.now() - start < options.seconds * 1_000) {
    const entries: StoredEntry[] = [];
    for (let matched = 0; matched < options.batch; matched += 1) {
      if (matched % FILLER_EVERY === 0) entries.push(entry(++sequence, 'CHANNEL_HOLD', ROOT, bodies));
      entries.push(entry(++sequence, 'CHANNEL_ANSWER', ROOT, bodies));
    }
    fanout.deliver(entries);
    await nextTurn();
    while (fanout.behind > 0) await delay(1);
  }
  const cpu = process.cpuUsage(before);
  return {
    deliveries: fanout.counters.deliveries - deliveries,
    writes: fanout.counters.writes,
    cpuUserUs: cpu.user,
    cpuSystemUs: cpu.system,
    elapsedMs: Math.round(performance.now() - start),
  };
}

function match(subscriptions: number): void {
  const accounts = 1_000;
  const directory = tree(accounts);
  const index = new RouteIndex(directory, () => true);
  const encoding = new Encodings().hold(PLAIN);
  const names = ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_BRIDGE', 'CHANNEL_DESTROY', 'CHANNEL_HOLD'];
  const views = Array.from({ length: subscriptions }, (_, at) => {
    const grant: Grant = {
      account: at % 10 === 0 && at < 100 ? ROOT : `a${at % accounts}`,
      accounts: null,
      events: [names[at % names.length] ?? '', `X_${at}`],
    };
    const view = new View(viewKey(grant, encoding.key), grant, encoding);
    index.add(view);
    return view;
  });
  const metas = Array.from(
    { length: 1_000 },
    (_, at) => entry(at, names[at % names.length] ?? '', `a${(at * 7) % accounts}`).meta,
  );
  let found = 0;
  const scan = () => {
    for (const meta of metas.slice(0, 50)) {
      const route = index.match(meta);
      for (const view of views) if (accepts(view, route)) found += 1;
    }
  };
  const cold = () => {
    index.useDirectory(directory);
    for (const meta of metas) found += index.match(meta).views.length;
  };
  const hot = () => {
    for (const meta of metas) found += index.match(meta).views.length;
  };
  const result = { scanNs: time(scan, 50), indexNs: time(cold, 1_000), hotNs: time(hot, 1_000) };
  const total = scanTotal(views, index, metas);
  say({ ...result, agree: total.scan === total.index, found: found > 0 });
}

/** The index must find what the scan finds. */
function scanTotal(views: readonly View[], index: RouteIndex, metas: readonly string[]) {
  let scan = 0;
  let indexed = 0;
  for (const meta of metas) {
    const route = index.match(meta);
    indexed += route.views.length;
    for (const view of views) if (accepts(view, route)) scan += 1;
  }
  return { scan, index: indexed };
}

/** Nanoseconds for each event: the median of runs after a warm-up. */
function time(run: () => void, events: number): number {
  for (let warm = 0; warm < 5; warm += 1) run();
  const samples = Array.from({ length: 21 }, () => {
    const start = process.hrtime.bigint();
    run();
    return Number(process.hrtime.bigint() - start) / events;
  }).sort((a, b) => a - b);
  return Math.round((samples[10] ?? 0) * 10) / 10;
}

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '32' },
    filters: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '3' },
    subscriptions: { type: 'string', default: '10000' },
    tls: { type: 'boolean', default: false },
    events: { type: 'string', default: '' },
    privacy: { type: 'boolean', default: false },
  },
});
if (positionals[0] === 'match') match(Number(values.subscriptions));
else {
  await stage({
    batch: Number(values.batch),
    distinct: values.filters === 'distinct',
    seconds: Number(values.seconds),
    tls: values.tls,
    events: values.events,
    privacy: values.privacy,
  });
}
