import type { IncomingMessage } from 'node:http';
import { GRANT_UNAVAILABLE, INVALID_TOKEN } from '../auth/bearer.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { Groups } from '../group/groups.ts';
import type { Problem } from '../http/problem.ts';
import type { ConnectionQuota, Reservation } from '../quota/connection-quota.ts';
import type { Redactor } from '../privacy/redactor.ts';
import type { Slot } from '../quota/quota.ts';
import { begin, notNow, type BeginOptions, type SessionStart } from './begin.ts';
import type { TokenOutcome } from './dialogue.ts';
import type { UpgradePlan } from './plan-upgrade.ts';
import type { Place, Sessions } from './sessions.ts';

/** The client of a handshake; its account is known once its token is verified. */
interface HandshakeClient {
  readonly address: string;
  readonly account?: string;
}

/** Called with the HTTP status of each request for a stream, and with the code of a refusal. */
type OnHandshake = (status: number, code: string | null, client: HandshakeClient) => void;

/** More than eight members: a stream needs a decision from each part of the gateway. */
export interface AdmissionOptions extends BeginOptions {
  /** Whether a token is valid and not revoked, and its account and user still exist. */
  readonly verifyToken: (token: string) => Promise<TokenOutcome>;
  /** The same check for a token that was verified before. */
  readonly mayStay: (token: VerifiedToken) => boolean;
  /** False until the list of revocations is known. */
  readonly isRevocationKnown: () => boolean;
  readonly quota: Pick<ConnectionQuota, 'reserve'>;
  readonly sessions: Sessions;
  readonly groups: Pick<Groups, 'admit'>;
  readonly isDraining: () => boolean;
}

/** More than eight members: what a request for a stream needs besides, by either framing. */
export interface HandshakeOptions extends AdmissionOptions {
  readonly addressOf: (request: IncomingMessage) => string;
  readonly isOriginAllowed: (origin: string) => boolean;
  readonly now: () => number;
  /** The privacy view of a token's client; null: everything. */
  readonly privacyOf: (token: VerifiedToken) => Redactor | null;
  /** The `source` of CloudEvents. */
  readonly source: string;
  readonly onHandshake: OnHandshake;
}

/** A request whose client may have what it asks for. */
export interface Granted<Plan> {
  readonly token: VerifiedToken;
  readonly plan: Plan;
  readonly start: SessionStart | null;
}

export interface Admitted {
  readonly share: Slot;
  readonly place: Place;
}

/** Browsers name the page of the request (RFC 6454). Null when it is allowed. A page of this gateway itself, the console, always is. */
function judgeOrigin({ headers }: IncomingMessage, isAllowed: (origin: string) => boolean): Problem | null {
  const { origin, host } = headers;
  if (origin === undefined || isAllowed(origin) || isOwnOrigin(origin, host)) return null;
  return { status: 403, code: 'origin_not_allowed', detail: 'This origin is not on the allowed list.' };
}

const isOwnOrigin = (origin: string, host: string | undefined): boolean =>
  host !== undefined && URL.parse(origin)?.host === URL.parse(`https://${host}`)?.host;

/** The owner of the token and the start of the stream, or the refusal. */
async function judgeClient(
  options: AdmissionOptions,
  plan: UpgradePlan,
): Promise<{ readonly problem: Problem } | { readonly token: VerifiedToken; readonly start: SessionStart | null }> {
  if (options.isDraining()) return { problem: notNow('draining', 'This replica is shutting down: connect again.') };
  if (options.fanout.position === null) {
    return { problem: notNow('log_unavailable', 'The event log has not been reached yet: try again.') };
  }
  if (!options.isRevocationKnown()) {
    return { problem: notNow('revocations_unavailable', 'Revocations have not been read yet: try again.') };
  }
  const outcome = await options.verifyToken(plan.token);
  if (outcome.kind === 'unavailable') {
    return { problem: GRANT_UNAVAILABLE };
  }
  if (outcome.kind === 'invalid') return { problem: INVALID_TOKEN };
  if (plan.group !== null) {
    const admission = await options.groups.admit(plan.group, outcome.token.grant, { regroup: plan.regroup });
    if (!admission.ok) return admission;
  }
  const begun = await begin(options, plan, outcome.token.grant);
  if ('problem' in begun) return begun;
  return { token: outcome.token, start: begun.start };
}

/** Origin, parameters (by `read`), client and start of a request, or the refusal. Nothing is reserved yet. */
export async function decide<Plan extends UpgradePlan>(
  options: HandshakeOptions,
  request: IncomingMessage,
  read: (request: IncomingMessage, now: number) => { readonly plan: Plan } | { readonly problem: Problem },
): Promise<{ readonly problem: Problem } | Granted<Plan>> {
  const problem = judgeOrigin(request, options.isOriginAllowed);
  if (problem !== null) return { problem };
  const planned = read(request, options.now());
  if ('problem' in planned) return planned;
  const { plan } = planned;
  const judged = await judgeClient(options, plan);
  return 'problem' in judged ? judged : { ...judged, plan };
}

/** A slot in the quota and a place among the sessions, or the refusal. */
export async function admit(
  options: AdmissionOptions,
  token: VerifiedToken,
): Promise<{ readonly problem: Problem } | Admitted> {
  const { grant, username } = token;
  const reservation = await options.quota.reserve({ account: grant.account, username });
  if (reservation.slot === null) return { problem: quotaExceeded(reservation) };
  const share = reservation.slot;
  // Checked again, because log and quota took time. Nothing waits from here to the open session, so no revocation is
  // missed.
  const place = options.mayStay(token) ? options.sessions.reserve() : 'revoked';
  if (place !== 'revoked' && place !== null) return { share, place };
  share.release();
  return { problem: place === null ? full() : INVALID_TOKEN };
}

function quotaExceeded({ exceeded, most }: Reservation & { readonly slot: null }): Problem {
  const whose = exceeded === 'account' ? 'The account of this login' : 'The user of this login';
  return {
    status: 429,
    code: `${exceeded}_quota`,
    detail: `${whose} has ${most} connections, as many as it may have: close one, or try again.`,
    headers: { 'Retry-After': '10' },
  };
}

function full(): Problem {
  return {
    status: 429,
    code: 'too_many_connections',
    detail: 'This replica has no room for another connection: try again.',
    headers: { 'Retry-After': '5' },
  };
}
