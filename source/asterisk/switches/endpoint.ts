import type { ConnectionOptions } from 'node:tls';
import type { AddressPolicy } from '../../../runtime/net/address-guard.ts';
import { AddressRefused, ADDRESS_REFUSED } from '../../../runtime/net/guarded-socket.ts';
import { SwitchFault } from '../../switch.ts';

/** Address of an Asterisk, and its login. */
export interface AsteriskEndpoint {
  readonly host: string;
  readonly port: number;
  /** Certificate authorities, PEM; null: without TLS. */
  readonly tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'> | null;
  readonly username: string;
  /** Must not appear in a log or an error (S12). */
  readonly password: string;
  /** Addresses to which connections are allowed; null: all. */
  readonly policy: AddressPolicy | null;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly limits?: SwitchLimits;
}

/** Limits in milliseconds. A connection without a sign of life is lost after the sum of both at the latest. */
export interface SwitchLimits {
  /** For each step of connecting, and for each answer. */
  readonly stepMs: number;
  /** Between two pings. */
  readonly beatMs: number;
}

export const SWITCH_LIMITS: SwitchLimits = { stepMs: 10_000, beatMs: 10_000 };

const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_|HOSTNAME_MISMATCH|EPROTO)/;

/** Name in the text of a fault. */
export function whereOf({ host, port }: AsteriskEndpoint): string {
  return `${host}:${port}`;
}

/** The error of a socket. Only its code is kept, not its text. */
export function socketFault(endpoint: AsteriskEndpoint, error: unknown): SwitchFault {
  if (error instanceof AddressRefused) return new SwitchFault('AccessRefused', ADDRESS_REFUSED);
  const code = codeOf(error);
  const reason = TLS_CODE.test(code) ? 'TLS' : 'Unreachable';
  return new SwitchFault(reason, `${whereOf(endpoint)}: ${code === '' ? 'the connection ended' : code}`);
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** `22.10.1+dfsg` -> `22.10.1`. */
export function versionOf(value: unknown): string {
  return typeof value === 'string' ? (value.split('+', 1)[0] ?? '').slice(0, 64) : '';
}
