/** Why a broker does not serve. Stable: a condition of the resource. */
export type AmqpReason =
  /** The user lacks a right: configure or read of the queue, or read of the exchange. */
  | 'AccessRefused'
  /** The queue is there with other arguments. */
  | 'QueueArguments'
  /** Wrong user or password, or no access to the virtual host. */
  | 'Credentials'
  | 'TLS'
  /** The exchange is not there: a Kazoo node makes it. */
  | 'NoExchange'
  | 'Unreachable';

const BY_CODE: Readonly<Record<number, AmqpReason>> = {
  403: 'AccessRefused',
  404: 'NoExchange',
  406: 'QueueArguments',
};
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO)/;
const REFUSED_LOGIN = /ACCESS[-_]REFUSED|NOT[-_]ALLOWED|Handshake terminated by server: (403|530)/;

/** The reason of an error of amqplib. Its text may hold the user's name and is never shown. */
export function amqpReason(error: unknown, isLogin: boolean): AmqpReason {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  if (isLogin && REFUSED_LOGIN.test(message)) return 'Credentials';
  if (typeof code === 'number') return BY_CODE[code] ?? 'Unreachable';
  return typeof code === 'string' && TLS.test(code) ? 'TLS' : 'Unreachable';
}

/** What waiting does not fix: a person must change something. */
export function isLasting(reason: AmqpReason): boolean {
  return reason !== 'Unreachable' && reason !== 'NoExchange';
}
