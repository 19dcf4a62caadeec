import type { Subscription } from '../../protocol/subscription.ts';
import { redisConnection, type RedisConnection } from '../../runtime/redis/connection.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { secretText } from './secret-text.ts';

/** Looks up one Secret of a field, of which it must have these keys; null when it is not there. */
export type LookUp = (field: string, name: string, keys: readonly string[]) => Promise<KubeObject | null>;

/** What the Secrets say of Redis. Never in a log, an event, a status. */
export interface RedisSecrets {
  readonly url: string;
  /** PEM texts, empty where none is named. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Of the sentinels themselves. */
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
}

/** Null when something of it is not there. */
export async function lookUpRedis(spec: Subscription['spec']['redis'], look: LookUp): Promise<RedisSecrets | null> {
  const { urlSecretRef, tls } = spec;
  const text = async (field: string, name: string, key: string) => secretText(await look(field, name, [key]), key);
  const url = urlSecretRef ? await text('redis.urlSecretRef', urlSecretRef.name, urlSecretRef.key) : null;
  const { caSecretRef, clientCertSecretName } = tls;
  const ca = caSecretRef ? await text('redis.tls.caSecretRef', caSecretRef.name, caSecretRef.key) : '';
  let [cert, key]: [string | null, string | null] = ['', ''];
  if (clientCertSecretName !== undefined) {
    const secret = await look('redis.tls.clientCertSecretName', clientCertSecretName, ['tls.crt', 'tls.key']);
    [cert, key] = [secretText(secret, 'tls.crt'), secretText(secret, 'tls.key')];
  }
  const login = await sentinelLogin(spec, look);
  if (url === null || ca === null || cert === null || key === null || login === null) return null;
  return { url: url.trim(), ca, cert, key, ...login };
}

/** The user's name is for ACLs alone. Null when the Secret is not there. */
async function sentinelLogin({ sentinel }: Subscription['spec']['redis'], look: LookUp) {
  const name = sentinel?.loginSecretName;
  if (name === undefined) return {};
  const secret = await look('redis.sentinel.loginSecretName', name, ['password']);
  const sentinelPassword = secretText(secret, 'password');
  if (sentinelPassword === null) return null;
  const sentinelUsername = secretText(secret, 'username');
  return { sentinelPassword, ...(sentinelUsername !== null && { sentinelUsername }) };
}

/** As the gateways will connect. Faults name fields and variables, never what they hold. */
export function connectionOf(
  spec: Subscription['spec']['redis'],
  secrets: RedisSecrets,
): { readonly connection: RedisConnection } | { readonly faults: readonly string[] } {
  return redisConnection({ spec, ...secrets });
}
