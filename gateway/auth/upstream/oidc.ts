import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type RemoteJWKSet } from 'jose';
import { z } from 'zod';
import type { Account, LiveDirectory } from '../../directory/directory.ts';
import { foldName } from '../../directory/fold.ts';
import { readAnswer, ServerUnavailable, type AskServer } from './ask-server.ts';
import type { Ask, Upstream } from './upstream.ts';
import type { Judged } from './verdict.ts';

export interface OidcConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** Claim with the id, realm or name of the account. */
  readonly accountClaim: string;
  readonly usernameClaim: string;
}

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });
/** Tolerance between the clocks of the identity provider and of this gateway. */
const CLOCK_TOLERANCE_S = 5;
const COOLDOWN_MS = 5_000;
const MAX_NAME = 256;

/**
 * A token of an OpenID provider instead of user name and password: verified with the provider's published keys (OpenID
 * Connect Discovery 1.0, RFC 7517). For an unknown key, the keys are fetched again, at most every five seconds.
 */
export function oidcUpstream(config: OidcConfig, directory: LiveDirectory, ask: AskServer): Upstream {
  const keysOf = publishedKeys(config.issuer, ask);
  const prepare = ({ request }: Judged): Ask | { kind: 'ignore' } => {
    const { accessToken } = request;
    if (accessToken === null) return { kind: 'ignore' };
    return async (signal) => {
      const claims = await verified(accessToken, config, await keysOf(signal));
      const account = claims && accountOf(claims[config.accountClaim], directory);
      const username = claims?.[config.usernameClaim];
      if (!claims || !account || typeof username !== 'string' || username === '' || username.length > MAX_NAME) {
        return { kind: 'deny' };
      }
      const endsAt = (claims.exp ?? 0) * 1_000;
      return { kind: 'allow', account, username: foldName(username), via: 'oidc', endsAt };
    };
  };
  return { via: 'oidc', prepare };
}

/** Null for an invalid token. Rejects with a ServerUnavailable when the keys cannot be fetched. */
async function verified(token: string, config: OidcConfig, keys: RemoteJWKSet): Promise<JWTPayload | null> {
  const { issuer, audience, algorithms } = config;
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: [...algorithms],
      clockTolerance: CLOCK_TOLERANCE_S,
      requiredClaims: ['exp', config.accountClaim, config.usernameClaim],
    });
    return payload;
  } catch (error) {
    if (error instanceof ServerUnavailable) throw error;
    if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) {
      throw new ServerUnavailable(error.code);
    }
    // The token causes every other error; a library error without a class of its own concerns the key set.
    if (error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC') return null;
    throw new ServerUnavailable('KEYS_UNREADABLE');
  }
}

/** The provider's key set, found once by discovery. */
function publishedKeys(issuer: string, ask: AskServer): (signal: AbortSignal) => Promise<RemoteJWKSet> {
  let keys: RemoteJWKSet | null = null;
  return async (signal) => {
    if (keys !== null) return keys;
    const url = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const answer = await ask({ url, method: 'GET', signal });
    if (answer.status !== 200) throw new ServerUnavailable(`STATUS_${answer.status}`);
    const { issuer: named, jwks_uri: place } = readAnswer(answer, discoverySchema);
    if (named !== issuer) throw new ServerUnavailable('ANOTHER_ISSUER');
    keys = createRemoteJWKSet(new URL(place), {
      timeoutDuration: 3_000,
      cooldownDuration: COOLDOWN_MS,
      [customFetch]: async (target, { signal: limit }) => {
        const { status, text } = await ask({ url: new URL(target), method: 'GET', signal: limit });
        return new Response(text, { status });
      },
    });
    return keys;
  };
}

/** By id, realm or name. */
function accountOf(claim: unknown, { current }: LiveDirectory): Account | undefined {
  if (typeof claim !== 'string' || claim === '' || claim.length > MAX_NAME) return undefined;
  return current.accounts.get(claim) ?? current.accountByDomain(claim);
}
