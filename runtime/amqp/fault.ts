import { AddressRefused } from '../net/guarded-socket.ts';

/** Why a broker does not serve. Stable: a condition of the resource uses it. */
export type AmqpReason =
  /** The user lacks a right (configure or read of the queue, or read of the exchange), or the address is refused. */
  | 'AccessRefused'
  /** The queue exists with different arguments. */
  | 'QueueArguments'
  /** Wrong user or password, or no access to the virtual host. */
  | 'Credentials'
  | 'TLS'
  /** The exchange does not exist: a Kazoo node creates it. */
  | 'NoExchange'
  /**
   * The broker closed the channel because messages were unacknowledged for too long (`consumer_timeout`): the log was
   * away.
   */
  | 'AckTimeout'
  /** The broker is reachable but does not answer, for example for a quorum queue without a leader. */
  | 'NoAnswer'
  | 'Unreachable';

const BY_CODE: Readonly<Record<number, AmqpReason>> = {
  403: 'AccessRefused',
  404: 'NoExchange',
  406: 'QueueArguments',
};
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO)/;
const LATE_ACK = /delivery acknowledgement/;
const REFUSED_LOGIN =
  /ACCESS[-_]REFUSED|NOT[-_]ALLOWED|Handshake terminated by server: (403|530)|Expected ConnectionOpenOk; got <ConnectionClose/;

/** A call on an open connection was not answered in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  constructor() {
    super('the broker does not answer');
  }
}

/** The reason for an error of amqplib. Its text may contain the user's name and is never shown. */
export function amqpReason(error: unknown, isLogin: boolean): AmqpReason {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  if (isLogin && REFUSED_LOGIN.test(message)) return 'Credentials';
  if (error instanceof AddressRefused) return 'AccessRefused';
  if (error instanceof NoAnswer) return 'NoAnswer';
  if (code === 406 && LATE_ACK.test(message)) return 'AckTimeout';
  if (typeof code === 'number') return BY_CODE[code] ?? 'Unreachable';
  return typeof code === 'string' && TLS.test(code) ? 'TLS' : 'Unreachable';
}

const PASSING: ReadonlySet<AmqpReason> = new Set(['Unreachable', 'NoAnswer', 'NoExchange', 'AckTimeout']);

/** Waiting does not help: a person must change something. */
export function isLasting(reason: AmqpReason): boolean {
  return !PASSING.has(reason);
}
