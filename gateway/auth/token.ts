import { createHash, randomUUID } from 'node:crypto';
import canonicalize from 'canonicalize';
import { errors, jwtVerify, SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { z } from 'zod';
import type { Account } from '../directory/directory.ts';
import type { Grant, VerifiedToken } from './grant.ts';
import { GrantStoreUnavailable, type GrantStore } from './grant-store.ts';
import type { KeyRing } from './signing-keys.ts';

/** Tolerated between clocks, and the grace that a session has after `exp`. */
export const LEEWAY_S = 25;
const MAX_TOKEN_CHARS = 8_192;
/** A larger grant stays here and the token carries its hash: tokens travel in URLs. */
const MAX_GRANT_BYTES = 2_048;
const HEADER_KEYS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ']);

export interface TokenRequest {
  readonly grant: Grant;
  readonly account: Account;
  readonly username: string;
  /** Revocations with a higher mark stop the token. */
  readonly mark: number;
  /** Unix milliseconds. */
  readonly now: number;
}

export type TokenOutcome =
  | { readonly kind: 'valid'; readonly token: VerifiedToken }
  /** `reason` is for metrics; a client is told no more than 401. */
  | { readonly kind: 'invalid'; readonly reason: 'malformed' | 'expired' | 'refused' | 'grant_missing' }
  /** The grant cannot be looked up now: 503. */
  | { readonly kind: 'unavailable'; readonly code: string };

export interface Tokens {
  readonly ttlMs: number;
  /** Rejects with a GrantStoreUnavailable when a large grant cannot be kept. */
  issue(request: TokenRequest): Promise<string>;
  /** Never rejects for what a token holds. `now` in Unix milliseconds. */
  verify(token: string, now: number): Promise<TokenOutcome>;
}

export interface TokensOptions {
  readonly keys: KeyRing;
  readonly grants: GrantStore;
  readonly issuer: string;
  readonly audience: string;
  readonly ttlMs: number;
}

const list = z.array(z.string()).nullable();
const grantSchema = z.strictObject({ account: z.string(), accounts: list, events: list });
const claimsSchema = z.object({
  identity: z.string().regex(/^[A-Za-z0-9_-]{1,64}:/),
  type: z.literal('access'),
  sub: z.string().min(1),
  jti: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  iat: z.int(),
  exp: z.int(),
  /** Newest mark of a revocation that was known before the login was judged: the token is younger than those. */
  rev: z.int().nonnegative(),
  accounts: list.optional(),
  events: list.optional(),
  /** SHA-256 (base64url) of the grant's canonical JSON (RFC 8785), when it is kept in the store. */
  gh: z.string().length(43).optional(),
});
type Claims = z.output<typeof claimsSchema>;

/** Issues and verifies access tokens: JWS compact, claims as the original's, and the grant. */
export function createTokens(options: TokensOptions): Tokens {
  return {
    ttlMs: options.ttlMs,
    issue: (request) => issue(request, options),
    verify: (token, now) => verify(token, now, options),
  };
}

async function issue(request: TokenRequest, options: TokensOptions): Promise<string> {
  const { account, username, grant, mark, now } = request;
  const { keys, ttlMs, issuer, audience } = options;
  const jti = randomUUID();
  const issuedAt = Math.floor(now / 1000);
  return new SignJWT({
    identity: `${account.id}:${account.name}`,
    type: 'access',
    rev: mark,
    ...(await grantClaims(grant, jti, options)),
  })
    .setProtectedHeader({ alg: keys.algorithm, kid: keys.kid, typ: 'JWT' })
    .setSubject(username.toLowerCase())
    .setIssuer(issuer)
    .setAudience(audience)
    .setJti(jti)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.floor(ttlMs / 1000))
    .sign(keys.signKey);
}

async function grantClaims(grant: Grant, jti: string, options: TokensOptions): Promise<JWTPayload> {
  const { account, accounts, events } = grant;
  const canonical = canonicalize({ account, accounts, events });
  if (canonical === undefined) throw new Error('unreachable: a grant is always JSON');
  if (Buffer.byteLength(canonical) <= MAX_GRANT_BYTES) return { accounts, events };
  await options.grants.put(jti, canonical, options.ttlMs + LEEWAY_S * 1000);
  return { gh: digest(canonical) };
}

async function verify(token: string, now: number, options: TokensOptions): Promise<TokenOutcome> {
  if (token.length > MAX_TOKEN_CHARS) return { kind: 'invalid', reason: 'malformed' };
  const claims = await verifiedClaims(token, now, options);
  if (typeof claims === 'string') return { kind: 'invalid', reason: claims };
  const account = claims.identity.slice(0, claims.identity.indexOf(':'));
  let grant: Grant | null;
  try {
    grant = await grantOf(claims, account, options.grants);
  } catch (error) {
    if (error instanceof GrantStoreUnavailable) return { kind: 'unavailable', code: error.code };
    throw error;
  }
  if (grant === null) return { kind: 'invalid', reason: 'grant_missing' };
  const sessionEndsAt = (claims.exp + LEEWAY_S) * 1000;
  return { kind: 'valid', token: { grant, username: claims.sub, id: claims.jti, mark: claims.rev, sessionEndsAt } };
}

async function verifiedClaims(
  token: string,
  now: number,
  options: TokensOptions,
): Promise<Claims | 'malformed' | 'expired' | 'refused'> {
  const { keys, issuer, audience } = options;
  try {
    const { payload } = await jwtVerify(token, (header) => keyFor(header, keys), {
      algorithms: [...new Set([...keys.verifyKeys.values()].map(({ algorithm }) => algorithm))],
      typ: 'JWT',
      issuer,
      audience,
      clockTolerance: LEEWAY_S,
      currentDate: new Date(now),
      requiredClaims: ['exp', 'iat', 'jti', 'sub'],
    });
    const claims = claimsSchema.safeParse(payload);
    return claims.success ? claims.data : 'refused';
  } catch (error) {
    if (error instanceof errors.JWTExpired) return 'expired';
    if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'malformed';
    // Whatever a token makes the library throw is the token's fault: it ends as 401, never as 500.
    return 'refused';
  }
}

/**
 * Exactly the header that `issue` writes: a `crit`, `jku`, `jwk` or `x5u` has no business here, the key is ours by its
 * exact `kid` and verifies the one algorithm it was made for.
 */
function keyFor(header: JWTHeaderParameters, keys: KeyRing) {
  const found = typeof header.kid === 'string' ? keys.verifyKeys.get(header.kid) : undefined;
  const ours = header.typ === 'JWT' && Object.keys(header).every((key) => HEADER_KEYS.has(key));
  if (found === undefined || found.algorithm !== header.alg || !ours) throw new errors.JOSENotSupported('header');
  return found.key;
}

async function grantOf(claims: Claims, account: string, store: GrantStore): Promise<Grant | null> {
  const { gh, accounts, events, jti } = claims;
  if (gh === undefined) {
    return accounts === undefined || events === undefined ? null : { account, accounts, events };
  }
  const kept = await store.get(jti);
  // Whoever can write the store cannot widen a grant: the token holds its hash.
  if (kept === null || digest(kept) !== gh) return null;
  const grant = grantSchema.parse(JSON.parse(kept));
  return grant.account === account ? grant : null;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
