import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Scope } from '../subscription/scope.ts';
import { isActive, type Account, type LiveDirectory, type User } from '../directory/directory.ts';
import type { Problem } from '../http/problem.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { authorise, isServed } from './authorise.ts';
import { GrantStoreUnavailable } from './grant-store.ts';
import { parseLogin, type LoginRequest } from './login-request.ts';
import type { Admission, LoginLimits, LoginTry } from './login-limits.ts';
import type { PasswordOutcome, Passwords } from './password.ts';
import type { Tokens } from './token.ts';

export type LoginOutcome =
  'granted' | 'too_large' | 'bad_request' | 'rate_limited' | 'bad_credentials' | 'forbidden' | 'busy' | 'unavailable';

export type LoginAnswer = { readonly outcome: LoginOutcome } & (
  | { readonly kind: 'granted'; readonly body: LoginBody; readonly accountId: string }
  | { readonly kind: 'refused'; readonly problem: Problem }
);

/** The answer's body; the original's consists of `access_token` alone. */
export interface LoginBody {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
  readonly account_id: string;
  readonly scope: { readonly accounts: readonly string[] | null; readonly events: readonly string[] | null };
}

export interface LoginParts {
  readonly directory: LiveDirectory;
  readonly passwords: Passwords;
  readonly limits: LoginLimits;
  readonly tokens: Tokens;
  readonly scope: Live<Scope>;
  /** The mark for tokens of a login that begins now; never rejects. */
  readonly revocationMark: () => Promise<number>;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export type Login = (body: Buffer, client: { readonly address: string }) => Promise<LoginAnswer>;

const BUSY_RETRY_S = 2;

/** Judges a login in the order 413, 400, 429, 401, 403: shape, limits, who you are, what you may. */
export function createLogin(parts: LoginParts): Login {
  return async (body, client) => {
    const parsed = parseLogin(body, parts.scope.current.filters.additionalEvents);
    if (!parsed.ok) return refused(parsed.problem.status === 413 ? 'too_large' : 'bad_request', parsed.problem);
    return logIn(parsed.request, client.address, parts);
  };
}

async function logIn(request: LoginRequest, address: string, parts: LoginParts): Promise<LoginAnswer> {
  const directory = parts.directory.current;
  const account = directory.accountByDomain(request.domain);
  const user = account === undefined ? undefined : directory.userOf(account, request.username);
  // By the account's id: its name and its realm must not give two sets of tries.
  const attempt: LoginTry = { user: request.username, domain: account?.id ?? `?${request.domain}`, address };
  // The mark before the password is judged: what is revoked from here on stops the token, however long the rest takes.
  const [used, mark] = await Promise.all([parts.limits.check(attempt), parts.revocationMark()]);
  if (used !== null) return rateLimited(used.retryAfterS);

  let admission: Admission | null = null;
  const admit = async () => {
    admission = await parts.limits.admit(attempt);
    return admission.kind === 'admitted';
  };
  const hash = user?.passwordHash ?? null;
  let outcome: PasswordOutcome;
  try {
    outcome = await parts.passwords.verify({ hash, password: request.password, admit });
  } catch (error) {
    await giveBack(admission);
    throw error;
  }
  return conclude({ outcome, admission, user, request, mark }, parts);
}

interface Verified {
  readonly outcome: PasswordOutcome;
  readonly admission: Admission | null;
  readonly user: User | undefined;
  readonly request: LoginRequest;
  readonly mark: number;
}

async function conclude(
  { outcome, admission, user, request, mark }: Verified,
  parts: LoginParts,
): Promise<LoginAnswer> {
  if (outcome === 'busy' || admission === null) {
    return refused('busy', retryLater(503, 'login_busy', BUSY_RETRY_S));
  }
  if (admission.kind === 'limited') return rateLimited(admission.retryAfterS);
  if (outcome !== 'match' || user === undefined || !mayLogIn(user, parts.scope.current)) {
    await admission.settle('wrong_credentials');
    return refused('bad_credentials', WRONG_CREDENTIALS);
  }
  await admission.settle('right_credentials');
  return grantTo({ user, request, mark }, parts);
}

/** A try that could not be judged was nobody's failure. */
async function giveBack(admission: Admission | null): Promise<void> {
  if (admission?.kind === 'admitted') await admission.settle('not_judged');
}

/** Told only to somebody with the right password, and as if the password were wrong. */
function mayLogIn(user: User, scope: Scope): boolean {
  return user.enabled && isActive(user.account) && isServed(user.account, scope);
}

async function grantTo(
  { user, request, mark }: { user: User; request: LoginRequest; mark: number },
  parts: LoginParts,
): Promise<LoginAnswer> {
  const { accounts, events } = request;
  const account: Account = user.account;
  const authorised = authorise({ account, accounts, events }, parts.directory.current, parts.scope.current);
  if (!authorised.ok) return refused('forbidden', authorised.problem);
  const { grant } = authorised;
  let token: string;
  try {
    token = await parts.tokens.issue({ grant, account, username: user.username, mark, now: parts.now() });
  } catch (error) {
    if (!(error instanceof GrantStoreUnavailable)) throw error;
    parts.logger.warn({ code: error.code }, 'a large grant cannot be kept: the login is refused');
    return refused('unavailable', retryLater(503, 'grant_store_unavailable', BUSY_RETRY_S));
  }
  const body: LoginBody = {
    access_token: token,
    token_type: 'Bearer',
    expires_in: Math.floor(parts.tokens.ttlMs / 1000),
    account_id: account.id,
    scope: { accounts: grant.accounts, events: grant.events },
  };
  return { kind: 'granted', outcome: 'granted', body, accountId: account.id };
}

/** One body for every reason, so that nobody learns which users, accounts or domains exist. */
const WRONG_CREDENTIALS: Problem = {
  status: 401,
  code: 'wrong_credentials',
  detail: 'the user name, password or domain is wrong',
};

function rateLimited(retryAfterS: number): LoginAnswer {
  return refused('rate_limited', retryLater(429, 'too_many_tries', retryAfterS));
}

function retryLater(status: number, code: string, seconds: number): Problem {
  const detail = `try again in ${seconds} s`;
  return { status, code, detail, headers: { 'Retry-After': String(seconds) } };
}

function refused(outcome: Exclude<LoginOutcome, 'granted'>, problem: Problem): LoginAnswer {
  return { kind: 'refused', outcome, problem };
}
