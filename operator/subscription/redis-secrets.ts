import type { Subscription } from '../../protocol/subscription.ts';
import { redisConnection, type RedisConnection } from '../../runtime/redis/connection.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { secretText, valueOf } from './secret-text.ts';

/**
 * Keys that a Secret must have: texts of several lines, values of one line, and bearer tokens (I17). Certificates are
 * checked, too.
 */
interface Needed {
  readonly texts?: readonly string[];
  /** Certificates of authorities. */
  readonly authorities?: readonly string[];
  /** `tls.crt` and `tls.key`. */
  readonly pair?: boolean;
  readonly values?: readonly string[];
  readonly tokens?: readonly string[];
}

/** Looks up one Secret of a field; null when it is missing or may not be used. */
export type LookUp = (field: string, name: string, needed: Needed) => Promise<KubeObject | null>;

/** The settings of Redis from Secrets. Must not appear in a log, an Event or a status. */
export interface RedisSecrets {
  readonly url: string;
  /** PEM texts, empty where none is named. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Login of the sentinels themselves. */
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
}

/** Null when a part is missing. */
export async function lookUpRedis(spec: Subscription['spec']['redis'], look: LookUp): Promise<RedisSecrets | null> {
  const { urlSecretRef, tls } = spec;
  const urlSecret =
    urlSecretRef && (await look('redis.urlSecretRef', urlSecretRef.name, { values: [urlSecretRef.key] }));
  const url = urlSecretRef && urlSecret ? valueOf(urlSecret, urlSecretRef.key) : null;
  const { caSecretRef, clientCertSecretName } = tls;
  const ca = caSecretRef ? await authority(caSecretRef, look) : '';
  let [cert, key]: [string | null, string | null] = ['', ''];
  if (clientCertSecretName !== undefined) {
    const secret = await look('redis.tls.clientCertSecretName', clientCertSecretName, { pair: true });
    [cert, key] = [secretText(secret, 'tls.crt'), secretText(secret, 'tls.key')];
  }
  const login = await sentinelLogin(spec, look);
  if (url === null || ca === null || cert === null || key === null || login === null) return null;
  return { url, ca, cert, key, ...login };
}

async function authority(ref: { name: string; key: string }, look: LookUp): Promise<string | null> {
  return secretText(await look('redis.tls.caSecretRef', ref.name, { authorities: [ref.key] }), ref.key);
}

/** The user's name is only for ACLs. Null when the Secret is missing. */
async function sentinelLogin({ sentinel }: Subscription['spec']['redis'], look: LookUp) {
  const name = sentinel?.loginSecretName;
  if (name === undefined) return {};
  const secret = await look('redis.sentinel.loginSecretName', name, { values: ['password'] });
  const sentinelPassword = valueOf(secret, 'password');
  if (sentinelPassword === null) return null;
  const sentinelUsername = valueOf(secret, 'username');
  return { sentinelPassword, ...(sentinelUsername !== null && { sentinelUsername }) };
}

/** The connection that the gateways will use. Faults name fields and variables, never their values. */
export function connectionOf(
  spec: Subscription['spec']['redis'],
  secrets: RedisSecrets,
): { readonly connection: RedisConnection } | { readonly faults: readonly string[] } {
  return redisConnection({ spec, ...secrets });
}
