import { setImmediate as turn } from 'node:timers/promises';
import type { LoginAnswer, SocketEvents, Transport } from '../transport.ts';

/** One connection from the gateway's side. */
export interface FakePeer {
  readonly url: URL;
  readonly token: string;
  readonly events: SocketEvents;
  readonly sent: unknown[];
  isClosed: boolean;
  isPaused: boolean;
}

export interface FakeTransport {
  readonly transport: Transport;
  readonly peers: FakePeer[];
  readonly logins: { readonly body: unknown; readonly bearer: string | null }[];
}

/** A platform without a network. `answer` returns the answer to the n-th login, from 0. */
export function fakeTransport({
  answer = (n: number): LoginAnswer => ({ status: 200, retryAfter: null, body: { access_token: `token-${n}` } }),
  canPause = false,
} = {}): FakeTransport {
  const peers: FakePeer[] = [];
  const logins: FakeTransport['logins'] = [];
  const transport: Transport = {
    login(_url, body, { bearer }) {
      logins.push({ body: JSON.parse(body), bearer });
      return Promise.resolve(answer(logins.length - 1));
    },
    open(url, token, events) {
      const peer: FakePeer = { url: new URL(url), token, events, sent: [], isClosed: false, isPaused: false };
      peers.push(peer);
      return {
        send: (text) => void peer.sent.push(JSON.parse(text)),
        close: () => void (peer.isClosed = true),
        ...(canPause && {
          pause: () => void (peer.isPaused = true),
          resume: () => void (peer.isPaused = false),
        }),
      };
    },
  };
  return { transport, peers, logins };
}

/** The n-th connection, once it exists. */
export async function peerOf(fake: FakeTransport, n: number): Promise<FakePeer> {
  for (let turns = 0; turns < 1_000_000; turns += 1) {
    const found = fake.peers[n];
    if (found !== undefined) return found;
    await turn();
  }
  throw new Error(`no connection ${n}, but ${fake.peers.length}`);
}

/** An event as the control contract sends it. */
export function eventText(n: number): string {
  const _firehose = { id: `e${n}`, cursor: `c${n}`, account_id: 'north', ingested_at: null, traceparent: null };
  return JSON.stringify({ 'Event-Name': 'CHANNEL_CREATE', 'Call-ID': `call-${n}`, n, _firehose });
}

export function frameText(frame: object): string {
  return JSON.stringify({ _firehose: frame });
}
