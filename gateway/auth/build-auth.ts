import type { RedisClient } from '../../runtime/redis/client.ts';
import { durationMs } from '../../protocol/subscription.ts';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { GatewayConfig } from '../config.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import type { Profiles } from '../privacy/profiles.ts';
import type { Scope } from '../subscription/scope.ts';
import { memoryGrantStore, redisGrantStore } from './grant-store.ts';
import { createLogin, type Login } from './login.ts';
import type { Lockouts } from './limits/lockouts.ts';
import { createLoginLimits } from './limits/login-limits.ts';
import { followKeyRing } from './mounted-keys.ts';
import { createPasswords } from './password.ts';
import { openKeyRing, SigningKeyFault, type KeyRing } from './signing-keys.ts';
import { buildMethods } from './upstream/build-methods.ts';
import type { UpstreamParts } from './upstream/upstream.ts';
import { createTokens, type TokenOutcome } from './token.ts';

/** More than eight members: the parts of logins and tokens. */
export interface AuthParts {
  readonly config: GatewayConfig;
  readonly directory: LiveDirectory;
  readonly scope: Live<Scope>;
  readonly profiles: Profiles;
  /** Null when standalone: limits and large grants are then kept in this process. */
  readonly redis: RedisClient | null;
  readonly keys: KeyRing;
  readonly revocationMark: () => Promise<number>;
  readonly logger: Logger;
  /** A server that judges logins has answered, or has failed to. */
  readonly onAnswer: UpstreamParts['onAnswer'];
}

export interface Auth {
  readonly login: Login;
  readonly lockouts: Lockouts;
  readonly verifyToken: (token: string) => Promise<TokenOutcome>;
  readonly jwks: object;
  /** Of the keys that verify; the first one signs. */
  readonly keyIds: readonly string[];
}

/** Builds login and tokens of one resource. */
export function buildAuth(parts: AuthParts): Auth {
  const { config, directory, scope, profiles, redis, keys, revocationMark, logger, onAnswer } = parts;
  const { spec, metadata } = config.subscription;
  const place = { prefix: spec.redis.keyPrefix, resource: `${metadata.namespace}/${metadata.name}` };
  const tokens = createTokens({
    keys,
    grants: redis === null ? memoryGrantStore(Date.now) : redisGrantStore(redis, place),
    resource: place.resource,
    issuer: spec.auth.token.issuer ?? place.resource,
    audience: spec.auth.token.audience ?? place.resource,
    ttlMs: durationMs(spec.auth.token.ttl),
  });
  const limits = createLoginLimits({
    redis,
    ...place,
    now: Date.now,
    // Names are personal data: the administration endpoint lists them by this id.
    onLockout: ({ id, scope: who }, { account }) =>
      logger.warn({ lockout: id, scope: who, account }, 'logins are delayed after too many wrong passwords'),
  });
  const login = createLogin({
    directory,
    passwords: createPasswords({ costs: () => directory.current.hashCosts }),
    methods: buildMethods(spec.auth, config.loginServers, { directory, logger, onAnswer }),
    limits,
    tokens,
    scope,
    profiles,
    revocationMark,
    logger,
    now: Date.now,
  });
  return {
    login,
    lockouts: limits.lockouts,
    verifyToken: (token) => tokens.verify(token, Date.now()),
    get keyIds() {
      return [keys.kid, ...[...keys.verifyKeys.keys()].filter((kid) => kid !== keys.kid)];
    },
    get jwks() {
      return keys.jwks;
    },
  };
}

/** The mounted keys, which are followed, or those of `path`, which are created here. `signal` ends the following. */
export async function openKeys(
  { signingKeysFile, subscription }: Pick<GatewayConfig, 'signingKeysFile' | 'subscription'>,
  path: string,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<KeyRing> {
  if (signingKeysFile !== null) return followKeyRing({ path: signingKeysFile, logger, signal });
  try {
    return await openKeyRing(path, subscription.spec.auth.token.signing.algorithm);
  } catch (error) {
    if (!(error instanceof SigningKeyFault)) throw error;
    throw new ConfigurationFault([error.message], { cause: error });
  }
}
