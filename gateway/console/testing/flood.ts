import { setTimeout as delay } from 'node:timers/promises';
import type { RunningGateway } from '../../testing/running-gateway.ts';

const TICK_MS = 50;
const MOST_AT_ONCE = 1_000;

/** Publishes at a fixed rate, however fast they are taken. Returns how long that took, in milliseconds. */
export async function flood(
  { ingest }: Pick<RunningGateway, 'ingest'>,
  { rate, seconds }: { readonly rate: number; readonly seconds: number },
): Promise<number> {
  const begun = performance.now();
  const all = rate * seconds;
  for (let sent = 0; sent < all; await delay(TICK_MS)) {
    const due = Math.min(all, sent + MOST_AT_ONCE, Math.floor(((performance.now() - begun) * rate) / 1_000));
    if (due === sent) continue;
    const lines = Array.from({ length: due - sent }, (_, at) => callEvent(sent + at));
    const { status } = await ingest(lines.join('\n'));
    if (status !== 200) throw new Error(`the gateway answered ${status} to ${lines.length} events`);
    sent = due;
  }
  return performance.now() - begun;
}

const NAMES = ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_BRIDGE', 'CHANNEL_HOLD', 'DTMF', 'CHANNEL_DESTROY'];
const FIELDS = Object.fromEntries(
  Array.from({ length: 20 }, (_, n) => [`Variable-${n}`, `value ${n} of a usual event`]),
);

/** About as long as an event of a switch: 1 KB. */
function callEvent(n: number): string {
  return JSON.stringify({
    'Event-Name': NAMES[n % NAMES.length],
    'Call-ID': `call-${Math.floor(n / NAMES.length)}`,
    'Account-ID': `account_id_${(n % 4) + 1}`,
    'Caller-ID-Number': `+1555555${String(n % 10_000).padStart(4, '0')}`,
    'Callee-ID-Number': String(1_000 + (n % 50)),
    ...FIELDS,
    n,
  });
}
