import { WebSocket } from 'ws';
import type { Call } from '../../protocol/call.ts';
import { STREAM_PATH } from '../../protocol/paths.ts';

/** What a wallboard gets when it joins: a whole snapshot, and events after it. */
export interface Joined {
  readonly cursor: string;
  readonly calls: readonly Call[];
  readonly events: readonly JoinedEvent[];
}

interface JoinedEvent {
  readonly id: string;
  readonly account: string;
  readonly callId: string;
}

export interface JoinOptions {
  readonly port: number;
  readonly ca: string;
  readonly token: string;
  /** How long it stays after its snapshot. */
  readonly stayMs: number;
  /** Later ones are not kept. */
  readonly mostEvents: number;
}

/** A wallboard of its own program over TLS. Null where it was refused, or cut before its snapshot was whole. */
export async function joinBoard({ port, ca, token, stayMs, mostEvents }: JoinOptions): Promise<Joined | null> {
  const query = `?v=1&snapshot=calls&token=${token}`;
  const socket = new WebSocket(`wss://127.0.0.1:${port}${STREAM_PATH}${query}`, { ca, handshakeTimeout: 10_000 });
  // A refusal, and a replica that is killed: `close` follows.
  socket.on('error', () => undefined);
  const calls: Call[] = [];
  const events: JoinedEvent[] = [];
  let cursor: string | null = null;
  let leaving: NodeJS.Timeout | undefined;
  socket.on('message', (data) => {
    const { _firehose: meta, ...event } = JSON.parse((data as Buffer).toString()) as Message;
    const isFrame = Object.keys(event).length === 0;
    if (isFrame && meta.type === 'call') calls.push(meta.call);
    else if (isFrame && meta.type === 'snapshot_end') {
      if (cursor !== null || meta.calls !== calls.length) throw new Error('a second snapshot, or one that lacks calls');
      cursor = meta.cursor;
      leaving = setTimeout(() => socket.terminate(), stayMs);
    } else if (!isFrame) {
      if (cursor === null) throw new Error('an event before the end of the snapshot');
      const callId = event['Call-ID'] ?? '';
      if (events.length < mostEvents) events.push({ id: meta.id, account: meta.account_id, callId });
    }
  });
  await new Promise((resolve) => socket.once('close', resolve));
  clearTimeout(leaving);
  return cursor === null ? null : { cursor, calls, events };
}

interface Message {
  readonly _firehose: {
    readonly type?: string;
    readonly cursor: string;
    readonly call: Call;
    readonly calls: number;
    readonly id: string;
    readonly account_id: string;
  };
  readonly 'Call-ID'?: string;
}
