import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import type { Published } from './judge-publish.ts';

type Failure = Extract<Published, { kind: 'failure' }>;

const BY_CLASS = [
  [errors.UserAuthenticationExpiredError, 'AUTHENTICATION_EXPIRED'],
  [errors.AuthorizationError, 'AUTHORIZATION_VIOLATION'],
  [errors.PermissionViolationError, 'PERMISSIONS_VIOLATION'],
  [errors.NoRespondersError, 'NO_STREAM'],
  [errors.TimeoutError, 'TIMEOUT'],
  // Of a publication: the only argument that the library refuses is the payload.
  [errors.InvalidArgumentError, 'MAX_PAYLOAD'],
] as const;

/** Longest text of a server that is kept. */
const KEPT_CHARACTERS = 200;

/** An error of the library or the system as a code. Its message may name a server, and is dropped but for JetStream's. */
export function failureOf(error: unknown): Failure {
  const chain = [...causes(error)];
  const refusal = chain.find((one) => one instanceof JetStreamApiError);
  if (refusal !== undefined) {
    const { err_code, description } = refusal.apiError();
    return { kind: 'failure', code: `JS_${err_code}`, text: description.slice(0, KEPT_CHARACTERS) };
  }
  return { kind: 'failure', code: codeOf(chain), text: '' };
}

function codeOf(chain: readonly unknown[]): string {
  for (const [type, code] of BY_CLASS) if (chain.some((one) => one instanceof type)) return code;
  for (const one of chain) {
    const { code } = one as { readonly code?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code)) return code;
  }
  const isOfConnection = chain.some(
    (one) =>
      one instanceof errors.ClosedConnectionError ||
      one instanceof errors.DrainingConnectionError ||
      one instanceof errors.ConnectionError,
  );
  return isOfConnection ? 'CONNECTION_CLOSED' : 'UNKNOWN';
}

/** The error and its causes. */
function* causes(error: unknown): IterableIterator<unknown> {
  for (let one = error; one instanceof Error; one = one.cause) yield one;
}
