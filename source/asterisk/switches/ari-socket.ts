import { setTimeout as delay } from 'node:timers/promises';
import type { RawData, WebSocket } from 'ws';
import { text } from '../../legs/event-body.ts';
import type { SwitchEvent } from '../../mapper.ts';
import { SwitchFault, type SwitchListener, type SwitchReason } from '../../switch.ts';
import { createAnswers } from './answers.ts';
import type { SwitchLimits } from './endpoint.ts';

/** On an outbound connection the answers to listings arrive on this socket: about 1 KB a channel. */
export const ARI_MAX_MESSAGE_BYTES = 64 * 1_048_576;
const CLOSE_LIMIT_MS = 2_000;
const ABNORMAL_CLOSURE = 1_006;
const GOING_AWAY = 1_001;
const PONG: RestAnswer = { status: 0, body: '' };

/** An answer to a `GET`. */
interface RestAnswer {
  readonly status: number;
  readonly body: string;
}

/** One WebSocket of ARI, in either direction. It is read until it ends (S7), and pinged. */
export interface AriSocket {
  /** Resolves once it has ended; never rejects. */
  readonly lost: Promise<SwitchReason>;
  /** Last receipt, Unix milliseconds. */
  readonly heardAt: number;
  /** Sends the request on this socket (Asterisk 22.3 and later). */
  readonly get: (path: string, signal?: AbortSignal) => Promise<RestAnswer>;
  end(reason: SwitchReason): void;
  /** Ends it with a close frame. Resolves with whether everything was received that Asterisk sent before. */
  close(): Promise<boolean>;
}

export interface AriSocketOptions {
  readonly listener: SwitchListener;
  readonly limits: SwitchLimits;
  /** Name of the switch in the text of a fault. */
  readonly where: string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export function ariSocket(socket: WebSocket, { listener, limits, where, now }: AriSocketOptions): AriSocket {
  const answers = createAnswers<RestAnswer>(where, now);
  const lost = Promise.withResolvers<SwitchReason>();
  const stop = new AbortController();
  const end = (reason: SwitchReason) => {
    stop.abort();
    answers.end(new SwitchFault(reason, `${where}: the connection ended`));
    lost.resolve(reason);
    socket.terminate();
  };
  const take = (message: SwitchEvent) => {
    if (message['type'] === 'RESTResponse') {
      const status = message['status_code'];
      answers.give(text(message['request_id']), {
        status: typeof status === 'number' ? status : 0,
        body: text(message['message_body']),
      });
      return;
    }
    // The socket remains open and silent.
    if (message['type'] === 'ApplicationReplaced') return end('Replaced');
    listener.event(message);
  };
  socket.on('message', (data, isBinary) => {
    answers.noteLife();
    const message = isBinary ? null : parseMessage(data);
    if (message === null) listener.malformed('no JSON object');
    else take(message);
  });
  socket.on('pong', (id) => {
    answers.noteLife();
    answers.give(id.toString('latin1'), PONG);
  });
  // Reports an invalid frame; `close` follows.
  socket.on('error', () => end('Unreachable'));
  socket.on('close', (code: number) => end(code === ABNORMAL_CLOSURE ? 'Unreachable' : 'Disconnected'));
  const ping = () => answers.wait((id) => isOpen(socket) && socket.ping(id), limits.stepMs, stop.signal);
  void beat(ping, limits.beatMs, stop.signal).catch(() => end('Silent'));
  return {
    lost: lost.promise,
    get heardAt() {
      return answers.heardAt;
    },
    get: (path, signal) => {
      const request = (id: string) => JSON.stringify({ type: 'RESTRequest', request_id: id, method: 'GET', uri: path });
      return answers.wait((id) => isOpen(socket) && socket.send(request(id)), limits.stepMs, signal);
    },
    end,
    async close() {
      const closed = Promise.withResolvers<boolean>();
      socket.once('close', (code: number) => closed.resolve(code !== ABNORMAL_CLOSURE));
      if (socket.readyState === socket.CLOSED) return false;
      socket.close(GOING_AWAY);
      const isClean = await Promise.race([closed.promise, delay(CLOSE_LIMIT_MS, false, { ref: false })]);
      end('Unreachable');
      return isClean;
    },
  };
}

/** Pings until the signal aborts. Rejects when nothing arrives, neither a pong nor anything else. */
async function beat(ping: () => Promise<unknown>, beatMs: number, signal: AbortSignal): Promise<void> {
  while (await delay(beatMs, true, { signal }).catch(() => false)) await ping();
}

function isOpen(socket: WebSocket): boolean {
  return socket.readyState === socket.OPEN;
}

function parseMessage(data: RawData): SwitchEvent | null {
  try {
    const message: unknown = JSON.parse((data as Buffer).toString('utf8'));
    return typeof message === 'object' && message !== null && !Array.isArray(message) ? (message as SwitchEvent) : null;
  } catch {
    return null;
  }
}
