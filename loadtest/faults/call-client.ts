import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Call } from '../../protocol/call.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { CALLS_PATH, LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import type { FirstAfter } from './call-log.ts';
import type { Replica } from './replica.ts';
import { PASSWORD } from './setup.ts';

const ATTEMPT_LIMIT_MS = 5_000;
/** An event exists: only a fault delays it. */
const EVENT_LIMIT_MS = 30_000;

export interface Taken {
  readonly cursor: string;
  readonly calls: readonly Call[];
}

export async function logIn({ host }: Replica): Promise<string> {
  const body = JSON.stringify({ username: 'admin', password: PASSWORD, domain: 'root' });
  const answer = await fetch(`http://${host}${LOGIN_PATH}`, { method: 'POST', body });
  return ((await answer.json()) as { access_token: string }).access_token;
}

/** The live calls from one replica; null when it gives none, and for an incomplete snapshot. */
export async function takeCalls({ host }: Replica, token: string): Promise<Taken | null> {
  if (host === null) return null;
  try {
    const answer = await fetch(`http://${host}${CALLS_PATH}`, {
      headers: { Authorization: `Bearer ${token}`, Accept: 'application/x-ndjson' },
      signal: AbortSignal.timeout(ATTEMPT_LIMIT_MS),
    });
    if (answer.status !== 200) return null;
    const frames = (await answer.text())
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { _firehose: { type: string; cursor: string; call: Call } })._firehose);
    const end = frames.at(-1);
    if (end?.type !== 'snapshot_end') return null;
    return { cursor: end.cursor, calls: frames.flatMap(({ type, call }) => (type === 'call' ? [call] : [])) };
  } catch {
    return null;
  }
}

/** The first event after a cursor in each partition, as a client that continues there gets them. */
export async function firstAfter(
  { host }: Replica,
  token: string,
  { cursor, partitions }: { readonly cursor: string; readonly partitions: number },
): Promise<FirstAfter> {
  const first: (string | undefined)[] = Array.from({ length: partitions });
  const socket = new WebSocket(`ws://${host}${STREAM_PATH}?v=1&cursor=${cursor}&token=${token}`);
  const limit = setTimeout(() => socket.terminate(), EVENT_LIMIT_MS);
  socket.on('message', (data) => {
    const event = JSON.parse((data as Buffer).toString()) as {
      'Call-ID'?: string;
      _firehose: { id: string; account_id: string };
    };
    if (event['Call-ID'] === undefined) return;
    const { id, account_id: account } = event._firehose;
    first[partitionOf({ account, callId: event['Call-ID'] }, partitions)] ??= id;
    if (!first.includes(undefined)) socket.terminate();
  });
  await once(socket, 'close');
  clearTimeout(limit);
  return first;
}
