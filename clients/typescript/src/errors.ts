/** Why the client stopped. Stable; `FirehoseError.code` may also be a problem code or close reason of the gateway. */
export type ClientErrorCode =
  /** The gateway closed with a code of 4500 or above, or refused for a reason that does not pass. */
  | 'refused'
  /** Two logins in a row were refused with 401. */
  | 'login_refused'
  /** Events were lost, and `onGap` is `fail`. */
  | 'gap'
  /** The cursor store cannot be read or written. */
  | 'cursor_store'
  /** The certificate of the gateway is not trusted: give `ca`. */
  | 'untrusted_certificate'
  /** An option is wrong. */
  | 'invalid_option';

/** The stream or group has ended for good. Contains no token and no password. */
export class FirehoseError extends Error {
  override readonly name = 'FirehoseError';
  readonly code: ClientErrorCode;
  /** The gateway's own code: problem code of an HTTP answer, or `e` of a close reason. Null when it gave none. */
  readonly reason: string | null;
  /** HTTP status or close code; null when there is none. */
  readonly status: number | null;

  constructor(
    code: ClientErrorCode,
    message: string,
    { reason = null, status = null, cause }: { reason?: string | null; status?: number | null; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.reason = reason;
    this.status = status;
  }
}
