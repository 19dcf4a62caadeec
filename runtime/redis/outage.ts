import type { Cluster, Redis } from 'ioredis';
import type { Logger } from '../logging/logger.ts';
import { redisErrorCode } from './error-code.ts';
import { remedyFor } from './remedy.ts';

type Watched = Redis | Cluster;

const outages = new WeakMap<Watched, Map<string, string>>();
const listeners = new WeakMap<Watched, (code: string) => void>();
const AWAY = 'Redis is not available';
const BACK = 'Redis is available again';

/**
 * One line for each reason and outage, and one when it is over: a client that retries for an hour logs it once. The
 * error itself is never logged, see README.md.
 */
export function watchOutages(client: Redis, options: { logger: Logger; name: string; level: 'warn' | 'debug' }): void {
  const { logger, name, level } = options;
  const reasons = new Map<string, string>();
  outages.set(client, reasons);
  let wasReady = false;
  const tell = (error: unknown) => {
    const code = redisErrorCode(error);
    if (reasons.has(code)) return;
    reasons.set(code, code);
    listeners.get(client)?.(code);
    logger[level](
      { client: name, server: serverOf(client), code, ...remedyFor(code), ...mismatch(client, error, wasReady) },
      AWAY,
    );
  };
  client.on('error', tell);
  client.on('sentinelError', tell);
  client.on('ready', () => {
    wasReady = true;
    if (reasons.size === 0) return;
    reasons.clear();
    logger[level === 'warn' ? 'info' : level]({ client: name }, BACK);
  });
}

/**
 * The same, node by node. The state of a node is dropped when it is back, or no longer in the cluster. Returns a
 * function that reports an error of a node for which the client emits no event.
 */
export function watchClusterOutages(
  client: Cluster,
  { logger, name }: { logger: Logger; name: string },
): (error: unknown, node: string) => void {
  const reasons = new Map<string, string>();
  outages.set(client, reasons);
  const tell = (error: unknown, node: string) => {
    const code = redisErrorCode(error);
    const key = `${node} ${code}`;
    if (reasons.has(key)) return;
    reasons.set(key, code);
    listeners.get(client)?.(code);
    logger.warn({ client: name, ...(node !== '' && { node }), code, ...remedyFor(code) }, AWAY);
  };
  const forget = (node: string): boolean => {
    const keys = [...reasons.keys()].filter((key) => key.startsWith(`${node} `));
    for (const key of keys) reasons.delete(key);
    return keys.length > 0;
  };
  client.on('error', (error: unknown) => tell(error, ''));
  client.on('node error', tell);
  client.on('+node', (node: Redis) => {
    const address = addressOf(node);
    node.on('ready', () => forget(address) && logger.info({ client: name, node: address }, BACK));
  });
  client.on('ready', () => forget('') && logger.info({ client: name }, BACK));
  client.on('refresh', () => {
    const known = new Set(client.nodes().map(addressOf));
    for (const key of reasons.keys()) {
      const node = key.slice(0, key.indexOf(' '));
      if (node !== '' && !known.has(node)) forget(node);
    }
  });
  return tell;
}

/**
 * Signs of TLS to a plain port and of plain text to a TLS port: no answer to the hello, and an end of the connection at
 * the first command.
 */
function mismatch({ options }: Redis, error: unknown, wasReady: boolean): { readonly remedy?: string } {
  const { code = '' } = (error ?? {}) as { readonly code?: string };
  if (wasReady) return {};
  if (options.tls !== undefined && options.tls !== null) {
    const isSilent = code === 'ETIMEDOUT' || code === 'ECONNRESET' || code === 'EPROTO';
    return isSilent
      ? { remedy: 'no TLS handshake: if this port does not speak TLS, use redis:// or its TLS port' }
      : {};
  }
  return code === 'ECONNRESET'
    ? { remedy: 'the connection is closed at once: if this port speaks TLS, use rediss://' }
    : {};
}

/** The server; with Sentinel the sentinels that are asked for it. */
function serverOf({ options }: Redis): string {
  const nodes = options.sentinels ?? [options];
  return nodes.map(({ host, port }) => `${host}:${port}`).join(',');
}

function addressOf(node: Redis): string {
  return `${node.options.host}:${node.options.port}`;
}

/** Calls back with the code of each new reason for an outage, as it is logged. One listener for each client. */
export function onOutage(client: Watched, listener: (code: string) => void): void {
  listeners.set(client, listener);
}

/**
 * Why the client has no connection now, as far as it knows: the last new reason of this outage, or a refused address,
 * whatever followed from that.
 */
export function outageCode(client: Watched): string | null {
  const codes = [...(outages.get(client)?.values() ?? [])];
  return codes.find((code) => code === 'ADDRESS_REFUSED') ?? codes.at(-1) ?? null;
}
