import { createHash } from 'node:crypto';
import type { Subscription } from '../../protocol/subscription.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { namesOf } from '../resources/rendering.ts';
import { HEADERS_KEY } from '../resources/telemetry.ts';
import { KEYS_FILE, readForeignKeys } from './foreign-keys.ts';
import { lookUpRedis, type LookUp, type RedisSecrets } from './redis-secrets.ts';
import { secretText } from './secret-text.ts';

/** What the resource refers to, as it was found. */
export interface References {
  /** Null when something of it is not there. */
  readonly redis: RedisSecrets | null;
  /** A secret, too. Null when none is named, or it is not there. */
  readonly ingestToken: string | null;
  /** What the collector asks for: a secret, too. */
  readonly otlpHeaders: string | null;
  /** With signing keys of somebody else: the id of the one that signs. */
  readonly foreignKeyId: string | null;
  /** What is missing or wrong, and what to do; empty when everything is there. */
  readonly problems: readonly string[];
}

export type ReadSecret = (name: string) => Promise<KubeObject | null>;

/** Looks up every Secret that the resource names, in its own namespace. All problems at once. */
export async function resolveReferences(subscription: Subscription, readSecret: ReadSecret): Promise<References> {
  const { spec, metadata } = subscription;
  const problems: string[] = [];
  const look: LookUp = async (field, name, keys) => {
    const secret = await readSecret(name);
    if (secret === null) problems.push(`${field}: there is no Secret ${name} in namespace ${metadata.namespace}`);
    else {
      const missing = keys.filter((key) => (secretText(secret, key) ?? '') === '');
      if (missing.length > 0) problems.push(`${field}: the Secret ${name} has no ${missing.join(' and no ')}`);
    }
    return secret;
  };
  const { directory, token } = spec.auth;
  const redis = await lookUpRedis(spec.redis, look);
  if (directory) await look('auth.directory.secretRef', directory.secretRef.name, [directory.secretRef.key]);
  const ingest = spec.ingest.tokenSecretRef;
  const ingestSecret = ingest && (await look('ingest.tokenSecretRef', ingest.name, [ingest.key]));
  const headers = spec.telemetry.otlp?.headersSecretName;
  const headersSecret =
    headers === undefined ? null : await look('telemetry.otlp.headersSecretName', headers, [HEADERS_KEY]);
  const { secretName, issuerRef } = spec.gateway.tls;
  const pair = ['tls.crt', 'tls.key'];
  if (secretName !== undefined) await look('gateway.tls.secretName', secretName, pair);
  if (issuerRef !== undefined) await look('gateway.tls.issuerRef (not issued yet?)', namesOf(metadata.name).tls, pair);
  let foreignKeyId: string | null = null;
  if (token.signing.secretName !== undefined) {
    const secret = await look('auth.token.signing.secretName', token.signing.secretName, [KEYS_FILE]);
    const keys = readForeignKeys(secret);
    foreignKeyId = keys?.[0] ?? null;
    if (secretText(secret, KEYS_FILE) !== null && keys === null)
      problems.push(`auth.token.signing.secretName: ${KEYS_FILE} is not an array of private JWKs with kid and alg`);
  }
  return {
    redis,
    ingestToken: ingest && ingestSecret ? secretText(ingestSecret, ingest.key) : null,
    otlpHeaders: secretText(headersSecret, HEADERS_KEY),
    foreignKeyId,
    problems,
  };
}

/**
 * Changes when the gateways' pods have to be replaced: with what they read at their start alone. What they follow is
 * left out: filters, descendants, directory, keys, certificates.
 */
export function restartHash(
  { spec }: Subscription,
  secrets: Pick<References, 'redis' | 'ingestToken' | 'otlpHeaders'> & { readonly adminToken: string | null },
): string {
  const { account, redis, stream, consumerGroups, gateway, auth } = spec;
  const { connections, tls, trustedProxies, proxyProtocol, allowedOrigins } = gateway;
  const { ttl, issuer, audience } = auth.token;
  const read = [
    account.id,
    redis,
    [stream.partitions, stream.management, stream.retention, stream.waitReplicas],
    consumerGroups.map((group) => ({ ...group, deletionPolicy: null })),
    [connections, tls.disabled, trustedProxies, proxyProtocol, allowedOrigins],
    [ttl, issuer, audience],
    [secrets.redis, secrets.ingestToken, secrets.adminToken],
    // Left out where there are none: a release that brings a setting replaces no pod that does not use it.
    ...(secrets.otlpHeaders === null ? [] : [{ otlpHeaders: secrets.otlpHeaders }]),
  ];
  return createHash('sha256').update(JSON.stringify(read)).digest('hex').slice(0, 16);
}
