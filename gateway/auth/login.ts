import { createHash } from 'node:crypto';
import type { ProblemCode } from '../../protocol/problem-code.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { isActive, type Account, type LiveDirectory, type User } from '../directory/directory.ts';
import type { Problem } from '../http/problem.ts';
import type { Profiles } from '../privacy/profiles.ts';
import type { Scope } from '../subscription/scope.ts';
import { authorise, isServed } from './authorise.ts';
import { authorisePrivacy } from './authorise-privacy.ts';
import type { Grant } from './grant.ts';
import { GrantStoreUnavailable, TooManyGrants } from './grant-store.ts';
import type { Admission, LoginDelay, LoginLimits, LoginTry } from './limits/login-limits.ts';
import type { LockoutScope } from './limits/lockout-registry.ts';
import { parseLogin, type LoginRequest } from './login-request.ts';
import { lifetimeS, type Tokens } from './token.ts';
import { directoryMethod } from './directory-method.ts';
import type { Passwords } from './password.ts';
import { chainOf } from './upstream/chain.ts';
import type { Judged, LoginMethod, LoginMethods, Verdict } from './upstream/verdict.ts';

type LoginOutcome =
  'granted' | 'bad_request' | 'rate_limited' | 'bad_credentials' | 'forbidden' | 'busy' | 'unavailable';

export type LoginAnswer = { readonly outcome: LoginOutcome } & (
  | { readonly kind: 'granted'; readonly body: LoginBody; readonly accountId: string }
  | { readonly kind: 'refused'; readonly problem: Problem }
);

/** The answer's body; that of the original firehose consists of `access_token` alone. */
interface LoginBody {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
  readonly account_id: string;
  readonly scope: { readonly accounts: readonly string[] | null; readonly events: readonly string[] | null };
  /** The privacy view; absent: everything is shown. */
  readonly privacy?: { readonly profile: string; readonly version: string };
  /** Unknown keys of the request; absent when there are none. */
  readonly ignored?: readonly string[];
}

/** More than eight members: one place judges a login, with all of these. */
export interface LoginParts {
  readonly directory: LiveDirectory;
  readonly passwords: Passwords;
  /** Absent: only the directory judges. */
  readonly methods?: LoginMethods;
  readonly limits: LoginLimits;
  readonly tokens: Tokens;
  readonly scope: Live<Scope>;
  readonly profiles: Profiles;
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
/** An unavailable server needs some time to return. */
const UNAVAILABLE_RETRY_S = 5;
/** Most tries that wait for a delayed address; others are refused. */
const MOST_HELD = 256;

/** A running login. */
interface Attempt extends LoginTry, Judged {
  /** `performance.now()`. */
  readonly start: number;
}

const DIRECTORY_ALONE: LoginMethods = { order: ['Directory'], takesTokens: false, even: async () => undefined };

/** The parts that `createLogin` builds. */
interface Judging extends LoginParts, Omit<LoginMethods, 'order'> {
  readonly method: LoginMethod;
}

function judging(login: LoginParts): Judging {
  const { order, ...rest } = login.methods ?? DIRECTORY_ALONE;
  const { passwords, limits } = login;
  const mayLogInNow = (user: User) => user.enabled && isOpen(user.account, login);
  const methods = order.map((method, at) =>
    method === 'Directory'
      ? directoryMethod({ passwords, mayLogIn: mayLogInNow, isLast: at === order.length - 1 })
      : method,
  );
  return { ...login, ...rest, method: chainOf(methods), limits: { ...limits, check: holdingCheck(limits) } };
}

/** Judges a login in the order 400, 429, 401, 403: shape, limits, identity, permissions. */
export function createLogin(login: LoginParts): Login {
  const parts = judging(login);
  return async (body, client) => {
    const parsed = parseLogin(body, parts.scope.current.filters.additionalEvents, parts.takesTokens);
    if (!parsed.ok) return refused('bad_request', parsed.problem);
    return logIn(await attemptOf(parsed.request, client, parts), parts);
  };
}

async function attemptOf(request: LoginRequest, client: LoginClient, parts: LoginParts): Promise<Attempt> {
  const start = performance.now();
  const directory = parts.directory.current;
  const { accessToken } = request;
  // The owner of a token is known only after its verification: until then each token counts by itself.
  const [user, domain] =
    accessToken === null ? [request.username, request.domain] : [`token:${digest(accessToken)}`, 'access_token'];
  const named = accessToken === null ? directory.accountByDomain(domain) : undefined;
  const [mark, former] = await Promise.all([
    parts.revocationMark(),
    typeof client.formerToken === 'string' ? parts.tokens.recognise(client.formerToken, parts.now()) : null,
  ]);
  return {
    start,
    user,
    domain,
    account: named?.id ?? null,
    address: client.address,
    holdsToken: former !== null && former.account === named?.id && former.username === user,
    request,
    named,
    found: named === undefined ? undefined : directory.userOf(named, user),
    mark,
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

async function logIn(attempt: Attempt, parts: Judging): Promise<LoginAnswer> {
  const { limits, method } = parts;
  const remembered = method.remembered(attempt);
  if (remembered !== null && remembered !== 'judge') return conclude(remembered, null, attempt, parts);
  const checked = await limits.check(attempt);
  if (checked.delay !== null) return delayed(checked.delay, parts.now());
  const tried: { admission: Promise<Admission> | null } = { admission: null };
  const admit = async () => {
    // Several methods may judge it, but it counts as one try.
    tried.admission ??= limits.admit(attempt, checked.isKnown);
    return (await tried.admission).kind === 'admitted';
  };
  let verdict: Verdict;
  try {
    verdict = await method.judge(attempt, { lanes: checked.lanes, admit });
  } catch (error) {
    await giveBack(await tried.admission);
    throw error;
  }
  return conclude(verdict, await tried.admission, attempt, parts);
}

/** Waits for the short delay of an address with many failures: honest users may share it behind a proxy. */
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
  verdict: Verdict,
  admission: Admission | null,
  attempt: Attempt,
  parts: Judging,
): Promise<LoginAnswer> {
  if (verdict.kind === 'busy' || admission?.kind === 'busy') {
    return refused('busy', retryLater(503, 'login_busy', BUSY_RETRY_S));
  }
  if (admission?.kind === 'delayed') return delayed(admission.delay, parts.now());
  if (verdict.kind === 'unavailable') {
    await giveBack(admission);
    return refused('unavailable', retryLater(503, 'login_unavailable', UNAVAILABLE_RETRY_S));
  }
  if (verdict.kind !== 'allow' || !mayLogIn(verdict, parts)) {
    await admission?.finish('wrong_credentials');
    await parts.even(attempt.start);
    const needsMore = verdict.kind === 'deny' && verdict.code !== undefined;
    return refused('bad_credentials', needsMore ? MULTI_FACTOR_REQUIRED : WRONG_CREDENTIALS);
  }
  await admission?.finish('right_credentials');
  const { account, username } = verdict;
  const waitS = await parts.limits.succeed({ ...attempt, user: username, account: account.id });
  if (waitS > 0) return refused('rate_limited', retryLater(429, 'too_many_logins', waitS));
  return grantTo(verdict, attempt, parts);
}

/** A try that could not be judged is not a failure. */
async function giveBack(admission: Admission | null): Promise<void> {
  if (admission?.kind === 'admitted') await admission.finish('not_judged');
}

/** Checked after the credentials, and refused like wrong ones. */
function mayLogIn({ account, username, via }: Allowed, parts: LoginParts): boolean {
  const isEnabled = parts.directory.current.userOf(account, username)?.enabled ?? via !== undefined;
  return isEnabled && isOpen(account, parts);
}

function isOpen(account: Account, { scope }: LoginParts): boolean {
  return isActive(account) && isServed(account, scope.current);
}

type Allowed = Extract<Verdict, { kind: 'allow' }>;

async function grantTo(allowed: Allowed, { request, mark }: Attempt, parts: LoginParts): Promise<LoginAnswer> {
  const { accounts, events, privacy: asked, ignored } = request;
  const { username, via, endsAt } = allowed;
  const origin = { ...(via !== undefined && { via }), ...(endsAt !== undefined && { endsAt }) };
  const now = parts.now();
  const account: Account = allowed.account;
  const authorised = authorise({ account, accounts, events }, parts.directory.current, parts.scope.current);
  if (!authorised.ok) return refused('forbidden', authorised.problem);
  const ofUser = allowed.privacy ?? parts.directory.current.userOf(account, username)?.privacy ?? null;
  const privacy = authorisePrivacy({ asked, ofUser }, parts.profiles);
  if (!privacy.ok) {
    if (privacy.problem.code === 'privacy_missing')
      parts.logger.warn({ account: account.id, profile: ofUser }, 'login refused: the resource lacks the profile');
    return refused('forbidden', privacy.problem);
  }
  const { shown } = privacy;
  const grant: Grant = { ...authorised.grant, ...(privacy.names.length > 0 && { privacy: privacy.names }) };
  let token: string;
  try {
    token = await parts.tokens.issue({ grant, account, username, mark, now, ...origin });
  } catch (error) {
    if (error instanceof TooManyGrants) return refused('rate_limited', tooManyGrants(error));
    if (!(error instanceof GrantStoreUnavailable)) throw error;
    parts.logger.warn({ code: error.code }, 'login refused: a large grant cannot be stored');
    return refused('unavailable', retryLater(503, 'grant_store_unavailable', BUSY_RETRY_S));
  }
  const body: LoginBody = {
    access_token: token,
    token_type: 'Bearer',
    expires_in: lifetimeS(parts.tokens.ttlMs, endsAt, now),
    account_id: account.id,
    scope: { accounts: grant.accounts, events: grant.events },
    ...(shown !== null && { privacy: { profile: shown.name, version: shown.version } }),
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

/** The server accepted the password, and requires more than a login can contain. */
const MULTI_FACTOR_REQUIRED: Problem = {
  status: 401,
  code: 'multi_factor_required',
  detail: 'this account asks for a second factor, which a login here cannot give: use an account for programs',
};

/** Does not mention that the device is known: that would reveal that the user has logged in from this address. */
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
