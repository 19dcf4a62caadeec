import type { ConnectionOptions } from 'node:tls';
import type { AddressPolicy } from '../../../runtime/net/address-guard.ts';
import { AddressRefused, ADDRESS_REFUSED } from '../../../runtime/net/guarded-socket.ts';
import { SwitchFault } from '../../switch.ts';

/** Where an Asterisk listens, and who logs in. */
export interface AsteriskEndpoint {
  readonly host: string;
  readonly port: number;
  /** PEM; null: without TLS. */
  readonly tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'> | null;
  readonly username: string;
  /** Never in a log or an error (S12). */
  readonly password: string;
  /** Which addresses may be connected to; null: all. */
  readonly policy: AddressPolicy | null;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly limits?: SwitchLimits;
}

/** Milliseconds. A connection without a sign of life is lost after both at the latest. */
export interface SwitchLimits {
  /** For each step of connecting, and for each answer. */
  readonly stepMs: number;
  /** Between two requests for a sign of life. */
  readonly beatMs: number;
}

export const SWITCH_LIMITS: SwitchLimits = { stepMs: 10_000, beatMs: 10_000 };

const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_|HOSTNAME_MISMATCH|EPROTO)/;

/** For the text of a fault. */
export function whereOf({ host, port }: AsteriskEndpoint): string {
  return `${host}:${port}`;
}

/** The error of a socket; of its text only the code is taken. */
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
