import type { ProblemCode } from '../../protocol/problem-code.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { isActive, type Account, type LiveDirectory, type User } from '../directory/directory.ts';
import type { Problem } from '../http/problem.ts';
import type { Scope } from '../subscription/scope.ts';
import { authorise, isServed } from './authorise.ts';
import { GrantStoreUnavailable, TooManyGrants } from './grant-store.ts';
import type { Admission, LoginDelay, LoginLimits, LoginTry } from './limits/login-limits.ts';
import type { LockoutScope } from './limits/lockout-registry.ts';
import { parseLogin, type LoginRequest } from './login-request.ts';
import type { PasswordOutcome, Passwords } from './password.ts';
import type { Tokens } from './token.ts';

type LoginOutcome =
  'granted' | 'bad_request' | 'rate_limited' | 'bad_credentials' | 'forbidden' | 'busy' | 'unavailable';

export type LoginAnswer = { readonly outcome: LoginOutcome } & (
  | { readonly kind: 'granted'; readonly body: LoginBody; readonly accountId: string }
  | { readonly kind: 'refused'; readonly problem: Problem }
);

/** The answer's body; the original's consists of `access_token` alone. */
interface LoginBody {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
  readonly account_id: string;
  readonly scope: { readonly accounts: readonly string[] | null; readonly events: readonly string[] | null };
  /** Keys of the request that mean nothing here; absent when there are none. */
  readonly ignored?: readonly string[];
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

interface LoginClient {
  /** IP address. */
  readonly address: string;
  /** A former token, from `Authorization: Bearer`: it shows that this device has logged in before. */
  readonly formerToken?: string | null;
}

export type Login = (body: Buffer, client: LoginClient) => Promise<LoginAnswer>;

const BUSY_RETRY_S = 2;
/** Tries that wait for a delayed address at once; others are refused. */
const MOST_HELD = 256;

/** A login under way: the request, and the user that the directory has for it. */
interface Attempt extends LoginTry {
  readonly request: LoginRequest;
  /** Undefined: there is no such user. */
  readonly found: User | undefined;
  /** The newest revocation before the password is verified: a later one revokes the token. */
  readonly mark: number;
}

/** Judges a login in the order 400, 429, 401, 403: shape, limits, identity, permissions. */
export function createLogin(login: LoginParts): Login {
  const parts = { ...login, limits: { ...login.limits, check: holdingCheck(login.limits) } };
  return async (body, client) => {
    const parsed = parseLogin(body, parts.scope.current.filters.additionalEvents);
    if (!parsed.ok) return refused('bad_request', parsed.problem);
    return logIn(await attemptOf(parsed.request, client, parts), parts);
  };
}

async function attemptOf(request: LoginRequest, client: LoginClient, parts: LoginParts): Promise<Attempt> {
  const directory = parts.directory.current;
  const account = directory.accountByDomain(request.domain);
  const { username: user, domain } = request;
  const [mark, former] = await Promise.all([
    parts.revocationMark(),
    typeof client.formerToken === 'string' ? parts.tokens.recognise(client.formerToken, parts.now()) : null,
  ]);
  return {
    user,
    domain,
    account: account?.id ?? null,
    address: client.address,
    holdsToken: former !== null && former.account === account?.id && former.username === user,
    request,
    found: account === undefined ? undefined : directory.userOf(account, user),
    mark,
  };
}

async function logIn(attempt: Attempt, parts: LoginParts): Promise<LoginAnswer> {
  const { limits, passwords } = parts;
  const stored = storedOf(attempt, parts.scope.current);
  // A correct password needs no limit here: it was verified a moment ago.
  if (stored.isOpen && passwords.isRemembered(stored)) return conclude('match', null, attempt, parts);
  const checked = await limits.check(attempt);
  if (checked.delay !== null) return delayed(checked.delay, parts.now());
  let admission: Admission | null = null;
  const admit = async () => {
    admission = await limits.admit(attempt, checked.isKnown);
    return admission.kind === 'admitted';
  };
  let outcome: PasswordOutcome;
  try {
    outcome = await passwords.verify({ ...stored, lanes: checked.lanes, admit });
  } catch (error) {
    await giveBack(admission);
    throw error;
  }
  return conclude(outcome, admission, attempt, parts);
}

function storedOf({ request, domain, user, found }: Attempt, scope: Scope) {
  return {
    user: JSON.stringify([domain, user]),
    hash: found?.passwordHash ?? null,
    password: request.password,
    isOpen: found !== undefined && mayLogIn(found, scope),
  };
}

/** Waits out the short delay of an address with many failures: honest users share it behind a proxy. */
function holdingCheck(limits: LoginLimits): LoginLimits['check'] {
  let held = 0;
  return async (attempt) => {
    const checked = await limits.check(attempt);
    if (checked.delay?.scope !== 'address' || held >= MOST_HELD) return checked;
    held += 1;
    try {
      await sleep(checked.delay.retryAfterS * 1000);
      return await limits.check(attempt);
    } finally {
      held -= 1;
    }
  };
}

async function conclude(
  outcome: PasswordOutcome,
  admission: Admission | null,
  attempt: Attempt,
  parts: LoginParts,
): Promise<LoginAnswer> {
  if (outcome === 'busy' || admission?.kind === 'busy') {
    return refused('busy', retryLater(503, 'login_busy', BUSY_RETRY_S));
  }
  if (admission?.kind === 'delayed') return delayed(admission.delay, parts.now());
  const { found } = attempt;
  if (outcome !== 'match' || found === undefined || !mayLogIn(found, parts.scope.current)) {
    await admission?.finish('wrong_credentials');
    return refused('bad_credentials', WRONG_CREDENTIALS);
  }
  await admission?.finish('right_credentials');
  const waitS = await parts.limits.succeed(attempt);
  if (waitS > 0) return refused('rate_limited', retryLater(429, 'too_many_logins', waitS));
  return grantTo(found, attempt, parts);
}

/** A try that could not be judged is not a failure. */
async function giveBack(admission: Admission | null): Promise<void> {
  if (admission?.kind === 'admitted') await admission.finish('not_judged');
}

/** Checked after the password, and refused like a wrong password. */
function mayLogIn(user: User, scope: Scope): boolean {
  return user.enabled && isActive(user.account) && isServed(user.account, scope);
}

async function grantTo(user: User, { request, mark }: Attempt, parts: LoginParts): Promise<LoginAnswer> {
  const { accounts, events, ignored } = request;
  const account: Account = user.account;
  const authorised = authorise({ account, accounts, events }, parts.directory.current, parts.scope.current);
  if (!authorised.ok) return refused('forbidden', authorised.problem);
  const { grant } = authorised;
  let token: string;
  try {
    token = await parts.tokens.issue({ grant, account, username: user.username, mark, now: parts.now() });
  } catch (error) {
    if (error instanceof TooManyGrants) return refused('rate_limited', tooManyGrants(error));
    if (!(error instanceof GrantStoreUnavailable)) throw error;
    parts.logger.warn({ code: error.code }, 'login refused: a large grant cannot be stored');
    return refused('unavailable', retryLater(503, 'grant_store_unavailable', BUSY_RETRY_S));
  }
  const body: LoginBody = {
    access_token: token,
    token_type: 'Bearer',
    expires_in: Math.floor(parts.tokens.ttlMs / 1000),
    account_id: account.id,
    scope: { accounts: grant.accounts, events: grant.events },
    ...(ignored.length > 0 && { ignored }),
  };
  return { kind: 'granted', outcome: 'granted', body, accountId: account.id };
}

/** One body for every reason, so that it does not reveal which users, accounts or domains exist. */
const WRONG_CREDENTIALS: Problem = {
  status: 401,
  code: 'wrong_credentials',
  detail: 'the user name, password or domain is wrong',
};

/** Says nothing of a known device: that would reveal that the user has logged in from this address. */
const DELAY_REASONS: Readonly<Record<LockoutScope, { readonly reason: string; readonly of: string }>> = {
  user_and_address: { reason: 'user_and_address', of: 'for this user name from this address' },
  known_device: { reason: 'user_and_address', of: 'for this user name from this address' },
  address: { reason: 'address', of: 'from this address' },
  user: { reason: 'user', of: 'for this user name' },
};

function delayed({ scope, retryAfterS }: LoginDelay, now: number): LoginAnswer {
  const retryAt = new Date(now + retryAfterS * 1000).toISOString();
  const problem = retryLater(429, 'too_many_tries', retryAfterS);
  const { reason, of } = DELAY_REASONS[scope];
  const detail = `too many wrong passwords ${of}: try again in ${retryAfterS} s, at ${retryAt}`;
  return refused('rate_limited', { ...problem, detail, extra: { reason, retry_at: retryAt } });
}

function tooManyGrants({ most, retryAfterS }: TooManyGrants): Problem {
  const detail = `this user has ${most} different large filters in use: log in with one of them, with fewer accounts, or in ${retryAfterS} s`;
  return { ...retryLater(429, 'too_many_grants', retryAfterS), detail, field: 'accounts' };
}

function retryLater(status: number, code: ProblemCode, seconds: number): Problem {
  const detail = `try again in ${seconds} s`;
  return { status, code, detail, headers: { 'Retry-After': String(seconds) } };
}

function refused(outcome: Exclude<LoginOutcome, 'granted'>, problem: Problem): LoginAnswer {
  return { kind: 'refused', outcome, problem };
}
