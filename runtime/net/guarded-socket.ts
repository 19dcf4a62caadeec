import { lookup, type LookupAddress } from 'node:dns';
import {
  isIP,
  type Socket,
  type LookupFunction,
  type OnReadOpts,
  type TcpNetConnectOpts,
  connect as connectTcp,
} from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { isRefusedAddress, isRefusedPort, type AddressPolicy } from './address-guard.ts';

/** The library's errors keep only this text. It names no address, because a tenant may see it. */
export const ADDRESS_REFUSED =
  'a link-local, metadata, loopback, multicast, unspecified or, for a webhook, private address is not connected to';

/** The platform does not allow a connection to this address. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
  readonly code = 'ADDRESS_REFUSED';

  constructor() {
    super(ADDRESS_REFUSED);
  }
}

/** The platform does not allow a connection to this port. */
class PortRefused extends Error {
  override readonly name = 'PortRefused';
  readonly code = 'PORT_REFUSED';

  constructor() {
    super('a webhook to public addresses connects to the ports of webhooks.allowedPorts alone');
  }
}

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Null: plain TCP. */
  readonly tls: ConnectionOptions | null;
  /** Reads into a buffer of the caller, in place of the socket's stream. */
  readonly onread?: OnReadOpts;
}

/**
 * Opens a connection like `net.connect` and `tls.connect`. A refused address or port is an error of the socket:
 * AddressRefused, PortRefused.
 */
export function guardedSocket(
  { host, port, tls, onread }: Target,
  policy: AddressPolicy | null,
  resolve: typeof lookup = lookup,
): Socket {
  // As Node's own agents do: a request must not wait for the acknowledgement of the one before it.
  const target: TcpNetConnectOpts = { host, port, noDelay: true, ...(onread && { onread }) };
  if (policy !== null) {
    target.lookup = guardedLookup(policy, resolve);
    // Node calls `lookup` only for names. A refused target fails in the same way, before a packet is sent.
    const refusal = refusalOf(host, port, policy);
    if (refusal !== null) {
      target.host = 'refused.invalid';
      target.lookup = (_, __, answer) => answer(refusal, '');
    }
  }
  return tls === null
    ? connectTcp(target)
    : connectTls({ servername: isIP(host) === 0 ? host : '', ...tls, ...target });
}

/** Null for a name, whose addresses are judged when they are known. */
function refusalOf(host: string, port: number, policy: AddressPolicy): AddressRefused | PortRefused | null {
  if (isRefusedPort(port, policy)) return new PortRefused();
  return isIP(host) !== 0 && isRefusedAddress(host, policy) ? new AddressRefused() : null;
}

/** `dns.lookup` that fails with AddressRefused if one of the addresses is refused. */
export function guardedLookup(policy: AddressPolicy, resolve: typeof lookup = lookup): LookupFunction {
  return (hostname, options, answer) => {
    resolve(hostname, { ...options, all: true }, (error: Error | null, found: LookupAddress[]) => {
      if (error !== null) return answer(error, '');
      if (found.some(({ address }) => isRefusedAddress(address, policy))) return answer(new AddressRefused(), '');
      if (options.all === true) return answer(null, found);
      const [first] = found;
      return first === undefined ? answer(new AddressRefused(), '') : answer(null, first.address, first.family);
    });
  };
}
