/**
 * The adapter of the TypeScript client: orders on the standard input, reports of what its caller sees on the standard
 * output.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileCursor } from '../../typescript/src/file-cursor.ts';
import { Firehose, FirehoseError, type Delivery } from '../../typescript/src/index.ts';

interface Order {
  readonly do: string;
  readonly mode: 'stream' | 'group' | 'calls';
  readonly url: string;
  readonly ca: string;
  readonly login: { readonly username: string; readonly password: string; readonly domain: string };
  readonly events?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly on_gap?: 'clamp' | 'fail';
  readonly cursor_file?: string;
  readonly group: string;
  readonly concurrency?: number;
  readonly progress_ms?: number;
  readonly id?: string;
  readonly delay_ms?: number;
  readonly reason?: string;
  readonly n?: number;
}

const abort = new AbortController();
const { signal } = abort;
const deliveries = new Map<string, Delivery>();
const gate = { isClosed: false, at: -1, open: () => undefined as void };
let refresh = () => false;

const say = (said: object) => void process.stdout.write(`${JSON.stringify(said)}\n`);

/** The handler of an item: it does not finish while the gate is closed. */
async function handled(n: unknown): Promise<void> {
  if (n === gate.at) gate.isClosed = true;
  if (gate.isClosed) await new Promise<void>((resolve) => (gate.open = resolve));
}

async function run(order: Order): Promise<void> {
  const { mode, url, ca, login, events, from, to, on_gap: onGap, cursor_file: file } = order;
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const firehose = new Firehose({ url, login, log, ca: readFileSync(ca), ...(events !== undefined && { events }) });
  if (mode === 'calls') return runCalls(firehose);
  if (mode === 'group') return runGroup(firehose, order);
  const stream = firehose.stream({
    signal,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(onGap !== undefined && { onGap }),
    ...(file !== undefined && { cursorStore: fileCursor(file) }),
  });
  for await (const item of stream) {
    if (item.type === 'event') say({ is: 'event', id: item.id, account: item.account, event: item.event });
    if (item.type === 'gap') say({ is: 'gap', reason: item.reason });
    await handled(item.type === 'event' ? item.event['n'] : undefined);
  }
}

async function runGroup(firehose: Firehose, { group, concurrency, progress_ms: progressMs }: Order): Promise<void> {
  const options = {
    signal,
    ...(concurrency !== undefined && { concurrency }),
    ...(progressMs !== undefined && { progressMs }),
  };
  for await (const item of firehose.group(group, options)) {
    if (item.type === 'gap') {
      say({ is: 'gap', reason: item.reason });
      continue;
    }
    const { id, attempt, event } = item;
    deliveries.set(id, item);
    say({ is: 'delivery', id, attempt, event });
  }
}

async function runCalls(firehose: Firehose): Promise<void> {
  const calls = firehose.calls({ signal });
  refresh = () => calls.refresh();
  for await (const change of calls) {
    if (change.type === 'gap') say({ is: 'gap', reason: change.reason });
    else if (change.type === 'snapshot') say({ is: 'snapshot', reason: change.reason, calls: [...calls.values()] });
    else say({ is: 'change', kind: change.type, call: change.call });
  }
}

const ORDERS: Readonly<Record<string, (order: Order) => void>> = {
  start: (order) =>
    void run(order).then(
      () => say({ is: 'end' }),
      (error: unknown) => {
        if (!(error instanceof FirehoseError)) throw error;
        const { code, reason, status, message } = error;
        say({ is: 'error', code, reason, status, message });
      },
    ),
  pause: () => void (gate.isClosed = true),
  pause_at: ({ n = -1 }) => void (gate.at = n),
  resume: () => {
    gate.isClosed = false;
    gate.open();
  },
  ack: ({ id = '' }) => deliveries.get(id)?.ack(),
  nack: ({ id = '', delay_ms: delay }) => deliveries.get(id)?.nack(delay),
  term: ({ id = '', reason }) => deliveries.get(id)?.term(reason),
  refresh: () => void refresh(),
  stop: () => abort.abort(),
};

const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => {
  const order = JSON.parse(line) as Order;
  ORDERS[order.do]?.(order);
});
// The judge is gone.
orders.on('close', () => process.exit(0));
say({ is: 'adapter', cannot: [] });
