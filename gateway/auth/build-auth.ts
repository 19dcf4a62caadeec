import type { RedisClient } from '../../runtime/redis/client.ts';
import { durationMs } from '../../protocol/subscription.ts';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { GatewayConfig } from '../config.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import type { Scope } from '../subscription/scope.ts';
import { memoryGrantStore, redisGrantStore } from './grant-store.ts';
import { createLogin, type Login } from './login.ts';
import type { Lockouts } from './limits/lockouts.ts';
import { createLoginLimits } from './limits/login-limits.ts';
import { followKeyRing } from './mounted-keys.ts';
import { createPasswords } from './password.ts';
import { openKeyRing, SigningKeyFault, type KeyRing } from './signing-keys.ts';
import { createTokens, type TokenOutcome } from './token.ts';

export interface AuthParts {
  readonly config: GatewayConfig;
  readonly directory: LiveDirectory;
  readonly scope: Live<Scope>;
  /** Null when standalone: limits and large grants are then kept in this process. */
  readonly redis: RedisClient | null;
  readonly keyFile: string;
  readonly revocationMark: () => Promise<number>;
  readonly logger: Logger;
  /** Ends the following of mounted keys. */
  readonly signal: AbortSignal;
}

export interface Auth {
  readonly login: Login;
  readonly lockouts: Lockouts;
  readonly verifyToken: (token: string) => Promise<TokenOutcome>;
  readonly jwks: object;
  /** Of the keys that verify; the first one signs. */
  readonly keyIds: readonly string[];
}

/** Makes login and tokens of one resource. */
export async function buildAuth(parts: AuthParts): Promise<Auth> {
  const { config, directory, scope, redis, keyFile, revocationMark, logger, signal } = parts;
  const { spec, metadata } = config.subscription;
  const place = { prefix: spec.redis.keyPrefix, resource: `${metadata.namespace}/${metadata.name}` };
  const mounted = config.signingKeysFile;
  const keys =
    mounted === null
      ? await openKeys(keyFile, spec.auth.token.signing.algorithm)
      : await followKeyRing({ path: mounted, logger, signal });
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
    limits,
    tokens,
    scope,
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

async function openKeys(path: string, algorithm: KeyRing['algorithm']): Promise<KeyRing> {
  try {
    return await openKeyRing(path, algorithm);
  } catch (error) {
    if (!(error instanceof SigningKeyFault)) throw error;
    throw new ConfigurationFault([error.message], { cause: error });
  }
}
