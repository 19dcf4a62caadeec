import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type ChannelModel } from 'amqplib';
import { isRefusedAddress, type AddressPolicy } from '../net/address-guard.ts';
import { AddressRefused, guardedLookup } from '../net/guarded-socket.ts';

/** Address of a broker. */
export interface Broker {
  /** Contains credentials: must not appear in a log or an error. */
  readonly url: string;
  readonly tls?: BrokerTls;
  /** Addresses to which connections are allowed; null: all. */
  readonly policy: AddressPolicy | null;
}

export interface BrokerTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** The name that the certificate must have, if it is not the host's. */
  readonly servername?: string;
}

const CONNECT_LIMIT_MS = 10_000;
const HEARTBEAT_SECONDS = 10;

/** Connects and logs in. Rejects with amqplib's error, or an AddressRefused. */
export async function connectBroker({ url, tls, policy }: Broker): Promise<ChannelModel> {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (policy !== null && isIP(host) !== 0 && isRefusedAddress(host, policy)) throw new AddressRefused();
  // Passed in parts: amqplib decodes escapes of a URL as Latin-1.
  const target = {
    protocol: protocol.slice(0, -1),
    hostname: host,
    ...(port !== '' && { port: Number(port) }),
    username: decodeURIComponent(username || 'guest'),
    password: decodeURIComponent(password || 'guest'),
    ...(pathname.length > 1 && { vhost: pathname.slice(1) }),
    heartbeat: HEARTBEAT_SECONDS,
  };
  const socket = { timeout: CONNECT_LIMIT_MS, noDelay: true, keepAlive: true, ...tls };
  return withLimit(connect(target, policy === null ? socket : { ...socket, lookup: guardedLookup(policy) }));
}

/**
 * amqplib's own limit does not work when the broker resets the connection during the handshake, as a starting broker
 * does.
 */
async function withLimit(connecting: Promise<ChannelModel>): Promise<ChannelModel> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    reject(new Error('the broker does not answer'));
  }, CONNECT_LIMIT_MS);
  const closeLate = (connection: ChannelModel) => (isLate ? closeWithin(connection, CONNECT_LIMIT_MS) : undefined);
  void connecting.then(closeLate, ignore);
  try {
    return await Promise.race([connecting, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A lost broker answers no close. */
export async function closeWithin(connection: ChannelModel, limitMs: number): Promise<void> {
  const stopping = new AbortController();
  const closing = (async () => connection.close())().catch(ignore);
  await Promise.race([closing, delay(limitMs, undefined, { signal: stopping.signal }).catch(ignore)]);
  stopping.abort();
}

function ignore(): void {
  // It is closed already, or abandoned.
}
