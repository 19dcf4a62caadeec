import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether a request over the loopback interface names this machine by one of its own names. A foreign web page can map
 * its name to 127.0.0.1 (DNS rebinding), and then read the inner port through a browser of this machine: its Host is
 * that name. A name without a dot cannot be a foreign one. Requests from other interfaces may have any Host.
 */
export function isOwnHost({ headersDistinct, socket }: Pick<IncomingMessage, 'headersDistinct' | 'socket'>): boolean {
  if (!isLoopback(socket.localAddress ?? '')) return true;
  const [host, ...more] = headersDistinct['host'] ?? [];
  if (host === undefined) return true;
  const name = host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
  if (more.length > 0) return false;
  return isIP(name) !== 0 || !name.includes('.') || name.endsWith('.localhost') || name === hostname().toLowerCase();
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

/** RFC 9110 15.5.20. */
export const MISDIRECTED = {
  status: 421,
  type: 'application/problem+json',
  body: JSON.stringify({
    type: 'about:blank',
    title: 'Misdirected Request',
    status: 421,
    code: 'host_not_allowed',
    detail: 'Over the loopback interface ask for localhost, an IP address or the name of this machine.',
  }),
};
