import { createHash, randomUUID } from 'node:crypto';
import canonicalize from 'canonicalize';
import { errors, jwtVerify, SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { z } from 'zod';
import { durationMs, MAX_TOKEN_TTL } from '../../protocol/subscription.ts';
import { MOST_PROFILES } from '../../protocol/subscription/privacy.ts';
import type { Account } from '../directory/directory.ts';
import { foldName } from '../directory/fold.ts';
import type { Grant, VerifiedToken } from './grant.ts';
import { GrantStoreUnavailable, type GrantStore } from './grant-store.ts';
import type { KeyRing } from './signing-keys.ts';
import { VIAS, type Via } from './upstream/verdict.ts';

/** Tolerance between clocks, and a session's grace after `exp`. */
export const LEEWAY_S = 25;
const MAX_TOKEN_CHARS = 8_192;
/** Longest life and age of a token, whatever its claims say: a longer one is refused. */
const MAX_LIFETIME_S = durationMs(MAX_TOKEN_TTL) / 1000;
/** How long an expired token still proves that a device has logged in before. */
const RECOGNISED_S = 30 * 24 * 3_600;
/** A larger grant is stored and the token contains its hash: tokens travel in URLs. */
const MAX_GRANT_BYTES = 2_048;
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const HEADER_KEYS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ']);

interface TokenRequest {
  readonly grant: Grant;
  readonly account: Account;
  readonly username: string;
  /** How the login was judged; absent: by the directory. */
  readonly via?: Via;
  /** Unix milliseconds at which the token must end; absent: no such limit. */
  readonly endsAt?: number;
  /** Revocations with a higher mark invalidate the token. */
  readonly mark: number;
  /** Unix milliseconds. */
  readonly now: number;
}

export type TokenOutcome =
  | { readonly kind: 'valid'; readonly token: VerifiedToken }
  /** `reason` is for metrics; the client gets 401 for each. */
  | { readonly kind: 'invalid'; readonly reason: 'malformed' | 'expired' | 'refused' | 'grant_missing' }
  /** The grant cannot be read now: 503. */
  | { readonly kind: 'unavailable'; readonly code: string };

export interface Tokens {
  readonly ttlMs: number;
  /** Rejects with a GrantStoreUnavailable or TooManyGrants when a large grant cannot be stored. */
  issue(request: TokenRequest): Promise<string>;
  /** Never rejects because of a token's content. `now` in Unix milliseconds. */
  verify(token: string, now: number): Promise<TokenOutcome>;
  /** The owner of a token, up to 30 days after its end; null for any other text. It grants no access. */
  recognise(token: string, now: number): Promise<{ readonly account: string; readonly username: string } | null>;
}

export interface TokensOptions {
  readonly keys: KeyRing;
  readonly grants: GrantStore;
  /** `<namespace>/<name>` of the resource, which is in every token. */
  readonly resource: string;
  readonly issuer: string;
  readonly audience: string;
  readonly ttlMs: number;
}

const list = z.array(z.string()).nullable();
const grantSchema = z.strictObject({ account: z.string(), accounts: list, events: list });
const claimsSchema = z.object({
  identity: z.string().regex(/^[A-Za-z0-9_-]{1,64}:/),
  type: z.literal('access'),
  /** `<namespace>/<name>` of the resource that issued it. */
  res: z.string(),
  sub: z.string().min(1),
  jti: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  iat: z.int(),
  exp: z.int(),
  /**
   * Newest mark of a revocation that was known before the login was judged: the token is newer than those revocations.
   */
  rev: z.int().nonnegative(),
  /** How the login was judged, if not by the directory: the directory may lack the user. */
  via: z.enum(VIAS).optional(),
  accounts: list.optional(),
  events: list.optional(),
  /** Of the grant. Also present beside a stored grant, so that equal filters share one whatever their profiles. */
  privacy: z.array(z.string()).max(MOST_PROFILES).optional(),
  /** SHA-256 (base64url) of the grant's canonical JSON (RFC 8785), when it is in the store. */
  gh: z.string().length(43).optional(),
});
type Claims = z.output<typeof claimsSchema>;

/** Issues and verifies access tokens: JWS compact, the claims of the original firehose, and the grant. */
export function createTokens(options: TokensOptions): Tokens {
  return {
    ttlMs: options.ttlMs,
    issue: (request) => issue(request, options),
    verify: (token, now) => verify(token, now, options),
    async recognise(token, now) {
      const claims = await verifiedClaims(token, now, options, RECOGNISED_S);
      return typeof claims === 'string' ? null : { account: accountOf(claims), username: claims.sub };
    },
  };
}

async function issue(request: TokenRequest, options: TokensOptions): Promise<string> {
  const { account, username, mark, now, via, endsAt } = request;
  const { keys, ttlMs, resource, issuer, audience } = options;
  const issuedAt = Math.floor(now / 1000);
  return new SignJWT({
    identity: `${account.id}:${account.name}`,
    type: 'access',
    res: resource,
    rev: mark,
    ...(via !== undefined && { via }),
    ...(await grantClaims(request, options)),
  })
    .setProtectedHeader({ alg: keys.algorithm, kid: keys.kid, typ: 'JWT' })
    .setSubject(foldName(username))
    .setIssuer(issuer)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetimeS(ttlMs, endsAt, now))
    .sign(keys.signKey);
}

/** Lifetime of a token in seconds: limited by the evidence of its login. Pure. */
export function lifetimeS(ttlMs: number, endsAt: number | undefined, now: number): number {
  const most = endsAt === undefined ? Infinity : Math.floor(endsAt / 1000) - Math.floor(now / 1000);
  return Math.max(0, Math.min(Math.floor(ttlMs / 1000), most));
}

async function grantClaims(request: TokenRequest, options: TokensOptions): Promise<JWTPayload> {
  const { privacy } = request.grant;
  return { ...(privacy !== undefined && { privacy }), ...(await filterClaims(request, options)) };
}

async function filterClaims({ grant, username }: TokenRequest, options: TokensOptions): Promise<JWTPayload> {
  const { account, accounts, events } = grant;
  const canonical = canonicalize({ account, accounts, events });
  if (canonical === undefined) throw new Error('unreachable: a grant is always JSON');
  if (Buffer.byteLength(canonical) <= MAX_GRANT_BYTES) return { accounts, events };
  const gh = digest(canonical);
  const owner = digest(JSON.stringify([account, foldName(username)]));
  await options.grants.put({ digest: gh, grant: canonical, owner, ttlMs: options.ttlMs + LEEWAY_S * 1000 });
  return { gh };
}

async function verify(token: string, now: number, options: TokensOptions): Promise<TokenOutcome> {
  const claims = await verifiedClaims(token, now, options);
  if (typeof claims === 'string') return { kind: 'invalid', reason: claims };
  const account = accountOf(claims);
  let grant: Grant | null;
  try {
    const filters = await grantOf(claims, account, options.grants);
    const { privacy } = claims;
    grant = filters && { ...filters, ...(privacy !== undefined && { privacy }) };
  } catch (error) {
    if (error instanceof GrantStoreUnavailable) return { kind: 'unavailable', code: error.code };
    throw error;
  }
  if (grant === null) return { kind: 'invalid', reason: 'grant_missing' };
  const sessionEndsAt = (claims.exp + LEEWAY_S) * 1000;
  const { sub: username, jti: id, rev: mark, via } = claims;
  return { kind: 'valid', token: { grant, username, id, mark, sessionEndsAt, ...(via !== undefined && { via }) } };
}

/** `graceS`: seconds after its end for which a token is accepted. */
async function verifiedClaims(
  token: string,
  now: number,
  options: TokensOptions,
  graceS: number = 0,
): Promise<Claims | 'malformed' | 'expired' | 'refused'> {
  const { keys, resource, issuer, audience } = options;
  if (!isCompact(token)) return 'malformed';
  try {
    const { payload } = await jwtVerify(token, (header) => keyFor(header, keys), {
      algorithms: [...new Set([...keys.verifyKeys.values()].map(({ algorithm }) => algorithm))],
      typ: 'JWT',
      issuer,
      audience,
      clockTolerance: LEEWAY_S + graceS,
      maxTokenAge: MAX_LIFETIME_S,
      currentDate: new Date(now),
      requiredClaims: ['exp', 'iat', 'jti', 'sub'],
    });
    const claims = claimsSchema.safeParse(payload);
    if (!claims.success || claims.data.res !== resource) return 'refused';
    return claims.data.exp - claims.data.iat <= MAX_LIFETIME_S ? claims.data : 'refused';
  } catch (error) {
    if (error instanceof errors.JWTExpired) return 'expired';
    if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'malformed';
    // The token causes every other error of the library: 401, never 500.
    return 'refused';
  }
}

/**
 * JWS compact form in strict base64url (RFC 7515 5.2 and 3.1): no padding, no blank or line feed, no second spelling of
 * the same bytes. The library decodes more leniently.
 */
function isCompact(token: string): boolean {
  if (token.length > MAX_TOKEN_CHARS || !COMPACT.test(token)) return false;
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
}

function accountOf({ identity }: Claims): string {
  return identity.slice(0, identity.indexOf(':'));
}

/** Accepts exactly the header that `issue` writes. A key is selected by its exact `kid` and verifies one algorithm. */
function keyFor(header: JWTHeaderParameters, keys: KeyRing) {
  const found = typeof header.kid === 'string' ? keys.verifyKeys.get(header.kid) : undefined;
  const ours = header.typ === 'JWT' && Object.keys(header).every((key) => HEADER_KEYS.has(key));
  if (found === undefined || found.algorithm !== header.alg || !ours) throw new errors.JOSENotSupported('header');
  return found.key;
}

async function grantOf(claims: Claims, account: string, store: GrantStore): Promise<Grant | null> {
  const { gh, accounts, events } = claims;
  if (gh === undefined) {
    return accounts === undefined || events === undefined ? null : { account, accounts, events };
  }
  const kept = await store.get(gh);
  // Write access to the store cannot widen a grant: the token contains its hash.
  if (kept === null || digest(kept) !== gh) return null;
  const grant = grantSchema.parse(JSON.parse(kept));
  return grant.account === account ? grant : null;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
