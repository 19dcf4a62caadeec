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
  return url === null || ca === null || cert === null || key === null ? null : { url: url.trim(), ca, cert, key };
}

/** As the gateways will connect. Faults name fields and variables, never what they hold. */
export function connectionOf(
  spec: Subscription['spec']['redis'],
  secrets: RedisSecrets,
): { readonly connection: RedisConnection } | { readonly faults: readonly string[] } {
  return redisConnection({ spec, ...secrets });
}
