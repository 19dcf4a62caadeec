import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { SwitchFault, type KeptMark, type SwitchConnection, type SwitchListener } from '../../switch.ts';
import { listChannels, readInfo } from './ari-rest.ts';
import { ariSocket, type AriSocket } from './ari-socket.ts';
import type { SwitchLimits } from './endpoint.ts';

const BOOT_LOOK_MS = 200;

/** An Asterisk that has connected. */
interface Arrived {
  readonly socket: WebSocket;
  readonly mark: KeptMark | null;
}

export interface Arriving {
  waiting: ((arrived: Arrived) => void) | null;
  live: AriSocket | null;
  /** Whether a connection with wrong credentials was refused since the last `open`. */
  refused: boolean;
}

export interface AriListenerLimits extends SwitchLimits {
  /** How long an `open` waits for Asterisk. */
  readonly awaitMs: number;
}

interface ArrivalOptions {
  readonly door: Arriving;
  readonly name: string;
  readonly limits: AriListenerLimits;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly listener: SwitchListener;
  readonly signal: AbortSignal;
}

/** Waits until Asterisk connects, and accepts the connection. Rejects as `Switch.open` does. */
export async function openArrived(options: ArrivalOptions): Promise<SwitchConnection> {
  const { door, name, limits, now, listener, signal } = options;
  const { socket, mark } = await arrival(options);
  const wrapped = ariSocket(socket, { listener, limits, where: name, now });
  const since = now();
  door.live = wrapped;
  const lost = new AbortController();
  const end = () => {
    lost.abort();
    if (door.live === wrapped) door.live = null;
  };
  void wrapped.lost.then(end);
  try {
    const isOver = AbortSignal.any([lost.signal, AbortSignal.timeout(limits.stepMs)]);
    const info = await onceBooted(() => readInfo(wrapped.get, name, signal), isOver);
    const keeping = { since: mark?.instance === info.instance ? mark.until : null, isClosed: false };
    return {
      ...info,
      since,
      get heardAt() {
        return wrapped.heardAt;
      },
      degraded: null,
      lost: wrapped.lost,
      keeping,
      listing: (stop) => listChannels(wrapped.get, name, stop),
      async [Symbol.asyncDispose]() {
        if (await wrapped.close()) keeping.isClosed = true;
      },
    };
  } catch (error) {
    wrapped.end('Unreachable');
    throw error;
  }
}

/** While Asterisk starts, it connects and answers that it is unavailable. */
async function onceBooted<T>(ask: () => Promise<T>, isOver: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isPassing = error instanceof SwitchFault && error.code === 'Unreachable';
      if (!isPassing || isOver.aborted) throw error;
    }
    await delay(BOOT_LOOK_MS);
  }
}

/** Wrong credentials end no wait: any client that reaches the port can send them. */
async function arrival({ door, name, limits, signal }: ArrivalOptions): Promise<Arrived> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Arrived>();
  let isOver = false;
  door.refused = false;
  door.waiting = (arrived) => {
    door.waiting = null;
    if (isOver) arrived.socket.terminate();
    else resolve(arrived);
  };
  const late = () =>
    reject(
      door.refused
        ? new SwitchFault('Credentials', `${name}: it connects with a wrong user or password`)
        : new SwitchFault('Unreachable', `${name}: it has not connected to this replica for ${limits.awaitMs} ms`),
    );
  const timer = setTimeout(late, limits.awaitMs);
  const stop = () => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await promise;
  } finally {
    isOver = true;
    door.waiting = null;
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
