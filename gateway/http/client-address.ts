import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import proxyaddr from 'proxy-addr';
import { forwardedHops, hopAddress } from './forwarded-hops.ts';

/** Addresses from PROXY headers, by the socket of the connection. */
const proxied = new WeakMap<object, string>();

export function rememberProxied(socket: object, address: string): void {
  proxied.set(socket, address);
}

export type AddressOf = (request: IncomingMessage) => string;

/**
 * The address of a request's client: from the PROXY header, else from `X-Forwarded-For` (or `Forwarded`, RFC 7239, if
 * that is absent) as far as each hop is a trusted proxy, else the connection's own address. IPv4 in IPv6 is written as
 * IPv4. A trusted proxy's hop that is not an address ends the search, and is reported once for each request.
 */
export function createAddressOf(
  trustedProxies: readonly string[],
  onUnreadable: (peer: string) => void = () => undefined,
): AddressOf {
  const isTrusted = createIsTrusted(trustedProxies);
  const known = new WeakMap<IncomingMessage, string>();
  const find = (request: IncomingMessage): string => {
    let address = connectionAddress(request);
    if (proxiedAddress(request.socket) !== undefined) return address;
    for (const hop of forwardedHops(request.headers)) {
      if (!isTrusted(address)) break;
      const before = normalise(hopAddress(hop));
      if (before === null) {
        onUnreadable(address);
        break;
      }
      address = before;
    }
    return address;
  };
  return (request) => {
    const found = known.get(request) ?? find(request);
    known.set(request, found);
    return found;
  };
}

/** The address of the connection itself: the PROXY header's, else the peer's. */
export function connectionAddress({ socket }: IncomingMessage): string {
  return normalise(proxiedAddress(socket) ?? socket.remoteAddress) ?? 'unknown';
}

function proxiedAddress(socket: object): string | undefined {
  return proxied.get(acceptedSocket(socket));
}

/**
 * The accepted socket: a request's socket is a gate in front of the connection, which under TLS wraps the accepted one.
 */
export function acceptedSocket(socket: object): object {
  const connection = (socket as { connection?: object }).connection ?? socket;
  return (connection as { _parent?: object | null })._parent ?? connection;
}

function normalise(address: string | null | undefined): string | null {
  if (address === null || address === undefined) return null;
  const version = isIP(address);
  if (version === 0) return null;
  // Gives an IPv4 address one spelling.
  return version === 4 ? address : ipaddr.process(address).toString();
}

/** Whether a peer's address is in one of the ranges. */
export function createIsTrusted(ranges: readonly string[]): (address: string | undefined) => boolean {
  const trust = proxyaddr.compile([...ranges]);
  return (address) => address !== undefined && isIP(address) !== 0 && trust(address, 0);
}
