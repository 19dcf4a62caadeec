import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { guardedSocket } from '../../../runtime/net/guarded-socket.ts';
import { SwitchFault } from '../../switch.ts';
import { ARI_MAX_MESSAGE_BYTES } from './ari-socket.ts';
import { SWITCH_LIMITS, socketFault, whereOf, type AsteriskEndpoint } from './endpoint.ts';

const KEEP_ALIVE_MS = 10_000;

export interface AriEndpoint extends AsteriskEndpoint {
  /**
   * Asterisk sends the events of one application to one connection. So each replica uses an application name of its
   * own.
   */
  readonly application: string;
}

/** `GET` of a path below `/ari/`. Rejects with a SwitchFault, or with the signal's reason. */
export async function httpGet(
  endpoint: AriEndpoint,
  path: string,
  signal?: AbortSignal,
): Promise<{ status: number; body: string }> {
  signal?.throwIfAborted();
  const { stepMs } = endpoint.limits ?? SWITCH_LIMITS;
  const limit = AbortSignal.timeout(stepMs);
  const request = (endpoint.tls === null ? requestPlain : requestTls)(
    `${endpoint.tls === null ? 'http' : 'https'}:${urlOf(endpoint, path)}`,
    {
      headers: { authorization: authorizationOf(endpoint) },
      createConnection: () => socketTo(endpoint),
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    },
  );
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > ARI_MAX_MESSAGE_BYTES) request.destroy();
      else chunks.push(chunk);
    });
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
    );
    response.on('error', reject);
  });
  request.on('error', reject);
  request.end();
  try {
    return await promise;
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.aborted) throw new SwitchFault('Silent', `${whereOf(endpoint)}: ${path}: no answer for ${stepMs} ms`);
    throw socketFault(endpoint, error);
  }
}

/** Host and port, without the scheme. */
export function urlOf({ host, port }: AriEndpoint, path: string): string {
  return `//${isIP(host) === 6 ? `[${host}]` : host}:${port}/ari/${path}`;
}

export function authorizationOf({ username, password }: AriEndpoint): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

export function socketTo(endpoint: AriEndpoint): Socket {
  const socket = guardedSocket(endpoint, endpoint.policy);
  socket.setNoDelay(true);
  return socket.setKeepAlive(true, KEEP_ALIVE_MS);
}
