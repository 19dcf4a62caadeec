import { WebSocket } from 'ws';
import { type Switch, type SwitchConnection, type SwitchListener } from '../../switch.ts';
import { authorizationOf, httpGet, socketTo, urlOf, type AriEndpoint } from './ari-request.ts';
import { listChannels, readInfo, statusFault, type AriGet } from './ari-rest.ts';
import { ARI_MAX_MESSAGE_BYTES, ariSocket, type AriSocket } from './ari-socket.ts';
import { SWITCH_LIMITS, socketFault, whereOf } from './endpoint.ts';

/** An Asterisk with its REST interface, to which this process connects. The user may be `read_only = yes`. */
export function createAriSwitch(endpoint: AriEndpoint): Switch {
  const get: AriGet = (path, signal) => httpGet(endpoint, path, signal);
  return {
    async open(listener, signal) {
      const socket = await connect(endpoint, listener, signal);
      try {
        const since = endpoint.now();
        // Requested after the socket is open: a request before it might reach an instance that restarts in between.
        return ariConnection({
          socket,
          get,
          where: whereOf(endpoint),
          since,
          ...(await readInfo(get, whereOf(endpoint), signal)),
        });
      } catch (error) {
        socket.end('Unreachable');
        throw error;
      }
    },
  };
}

interface ConnectionParts {
  readonly socket: AriSocket;
  readonly get: AriGet;
  readonly where: string;
  readonly instance: string;
  readonly version: string;
  readonly since: number;
}

function ariConnection({ socket, get, where, ...facts }: ConnectionParts): SwitchConnection {
  return {
    ...facts,
    get heardAt() {
      return socket.heardAt;
    },
    degraded: null,
    lost: socket.lost,
    listing: (signal) => listChannels(get, where, signal),
    [Symbol.asyncDispose]: async () => void (await socket.close()),
  };
}

/** Asterisk subscribes the application before it answers. */
async function connect(endpoint: AriEndpoint, listener: SwitchListener, signal: AbortSignal): Promise<AriSocket> {
  signal.throwIfAborted();
  const { now, limits = SWITCH_LIMITS } = endpoint;
  const query = new URLSearchParams({ app: endpoint.application, subscribeAll: 'true' });
  const socket = new WebSocket(
    `${endpoint.tls === null ? 'ws' : 'wss'}:${urlOf(endpoint, 'events')}?${query.toString()}`,
    {
      headers: { authorization: authorizationOf(endpoint) },
      handshakeTimeout: limits.stepMs,
      maxPayload: ARI_MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      createConnection: () => socketTo(endpoint),
    },
  );
  // Events may arrive together with the answer.
  const wrapped = ariSocket(socket, { listener, limits, where: whereOf(endpoint), now });
  const opened = Promise.withResolvers<void>();
  const stop = () => socket.terminate();
  signal.addEventListener('abort', stop, { once: true });
  socket.once('open', () => opened.resolve());
  socket.once('error', (error) => opened.reject(socketFault(endpoint, error)));
  socket.once('unexpected-response', (_request, { statusCode = 0 }) => {
    opened.reject(statusFault(statusCode, `${whereOf(endpoint)}: the WebSocket is refused`));
    socket.terminate();
  });
  try {
    await opened.promise;
    return wrapped;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
