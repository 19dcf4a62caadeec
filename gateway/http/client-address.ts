import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyaddr from 'proxy-addr';

/** Addresses that a PROXY header named, by the socket it came on. */
const proxied = new WeakMap<object, string>();

export function rememberProxied(socket: object, address: string): void {
  proxied.set(socket, address);
}

export type AddressOf = (request: IncomingMessage) => string;

/**
 * Who a request is from: the PROXY header's word, else `X-Forwarded-For` as far as each hop is a trusted proxy, else
 * the connection's own address. IPv4 in IPv6 is written as IPv4.
 */
export function createAddressOf(trustedProxies: readonly string[]): AddressOf {
  const isTrusted = createIsTrusted(trustedProxies);
  return (request) => {
    const named = proxied.get(request.socket) ?? proxied.get(carrier(request.socket));
    const address = named ?? proxyaddr(request, isTrusted);
    return normalise(address) ?? normalise(request.socket.remoteAddress) ?? 'unknown';
  };
}

/** Under TLS the socket of the request wraps the one that the header came on. */
function carrier(socket: object): object {
  return (socket as { _parent?: object })._parent ?? socket;
}

function normalise(address: string | undefined): string | null {
  return address !== undefined && ipaddr.isValid(address) ? ipaddr.process(address).toString() : null;
}

/** Whether a peer's address lies in one of the ranges. */
export function createIsTrusted(ranges: readonly string[]): (address: string | undefined) => boolean {
  const trust = proxyaddr.compile([...ranges]);
  return (address) => address !== undefined && ipaddr.isValid(address) && trust(address, 0);
}
