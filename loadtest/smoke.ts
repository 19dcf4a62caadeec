/** One login, one connection, one event of each kind: whether everything works, in seconds. */
import { check } from 'k6';
import http from 'k6/http';
import { setTimeout, clearTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import { KNOWN_EVENTS } from '../protocol/catalogue.ts';
import { INGEST_PATH, STREAM_PATH } from '../protocol/paths.ts';
import { beginRun, once, producerOf, type TestRun } from './client/test-run.ts';
import * as metrics from './report/metrics.ts';
import { summarize, type SummaryData } from './report/summary.ts';
import { readSettings } from './settings/settings.ts';

const settings = readSettings('smoke', __ENV);

export const options = {
  scenarios: { smoke: once('smoke', settings.DRAIN + 30_000) },
  thresholds: {
    ...metrics.ACCOUNTED,
    firehose_received: [`count>=${KNOWN_EVENTS.length}`],
    firehose_unexpected_closes: ['count==0'],
    checks: ['rate==1'],
  },
};

export const setup = () => beginRun(settings, ['all']);

/** The plain contract with `meta=1`, as a client without further knowledge uses it. */
export async function smoke(run: TestRun): Promise<void> {
  metrics.books.add(false);
  const headers = { Authorization: `Bearer ${run.tokens['all'] ?? ''}` };
  const url = `${settings.FIREHOSE_URL.replace(/^http/, 'ws')}${STREAM_PATH}?meta=1`;
  const begun = Date.now();
  const socket = new WebSocket(url, null, { headers, tags: { name: 'stream' } });
  const account = new Arrivals(run.name);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => socket.close(), settings.DRAIN);
    socket.onopen = () => {
      metrics.handshake.add(Date.now() - begun);
      publishEachKind(run);
    };
    socket.onmessage = (message) => {
      if (typeof message?.data === 'string' && account.take(message.data)) socket.close();
    };
    socket.addEventListener('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  account.close();
}

/** All of one call, whose order is kept; the last is an additional one that marks the end. */
function publishEachKind(run: TestRun): void {
  producerOf(settings, run);
  const [account = ''] = settings.ACCOUNTS;
  const lines = [...KNOWN_EVENTS, 'CHANNEL_DESTROY'].map((name, index) =>
    JSON.stringify({
      event: { 'Event-Name': name, 'Call-ID': run.name, run: run.name, n: index + 1, sent_at: Date.now() },
      account,
      id: `${run.name}-${run.startedAt}:${index + 1}`,
    }),
  );
  const answer = http.post(`${settings.FIREHOSE_INNER_URL}${INGEST_PATH}`, lines.join('\n'), {
    headers: {
      Authorization: `Bearer ${settings.FIREHOSE_INGEST_TOKEN}`,
      'Content-Type': 'application/vnd.firehose.events+ndjson',
    },
    tags: { name: 'ingest' },
  });
  metrics.published.add(lines.length);
  check(answer, { 'ingest accepts each event': (it) => it.status === 200 && it.json('accepted') === lines.length });
}

interface SmokeEvent {
  readonly 'Event-Name': string;
  readonly run?: string;
  readonly n: number;
  readonly sent_at: number;
  readonly _firehose?: { readonly id?: string; readonly cursor?: string; readonly account_id?: string };
}

/** The received events; they are parsed completely, because there are few. */
class Arrivals {
  readonly #run: string;
  readonly #seen = new Set<number>();
  #last = 0;

  constructor(run: string) {
    this.#run = run;
  }

  /** True when the last one has come. */
  take(text: string): boolean {
    const event = JSON.parse(text) as SmokeEvent;
    if (event.run !== this.#run) return false;
    metrics.received.add(1);
    metrics.latency.add(Date.now() - event.sent_at);
    const expected = [...KNOWN_EVENTS, 'CHANNEL_DESTROY'][event.n - 1];
    check(event, {
      'it has the name that was published': (it) => it['Event-Name'] === expected,
      'it says its id, cursor and account': ({ _firehose: meta }) =>
        meta?.id === undefined ? false : meta.cursor !== undefined && meta.account_id === settings.ACCOUNTS[0],
    });
    if (expected === undefined) metrics.foreign.add(1);
    if (this.#seen.has(event.n)) metrics.doubled.add(1);
    else if (event.n < this.#last) metrics.inverted.add(1);
    this.#seen.add(event.n);
    this.#last = Math.max(this.#last, event.n);
    return event.n > KNOWN_EVENTS.length;
  }

  close(): void {
    metrics.lost.add(KNOWN_EVENTS.length + 1 - this.#seen.size);
    metrics.books.add(true);
  }
}

export const handleSummary = (data: SummaryData) => summarize('smoke', settings, data);
