import { readPseudonymKeys } from '../../protocol/pseudonym-keys.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import { secretValue, tokenValue } from '../../runtime/files/secret-value.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { namesOf } from '../resources/rendering.ts';
import { HEADERS_KEY } from '../resources/telemetry.ts';
import { faultOfAuthorities, faultOfPair, PAIR } from './certificates.ts';
import { KEYS_FILE, readForeignKeys } from './foreign-keys.ts';
import { lookUpRedis, type LookUp, type RedisSecrets } from './redis-secrets.ts';
import { readSecret, secretText, valueOf } from './secret-text.ts';

/** The objects that the resource refers to, as found. */
export interface References {
  /** Null when a part is missing. */
  readonly redis: RedisSecrets | null;
  /** Also secret. Null when none is named, or it is missing. */
  readonly ingestToken: string | null;
  /** Credentials for the collector: also secret. */
  readonly otlpHeaders: string | null;
  /** With signing keys that the platform rotates: the id of the signing one. */
  readonly foreignKeyId: string | null;
  /** What is missing, wrong or refused, and what to do; empty when everything is there. */
  readonly problems: readonly string[];
}

export interface SecretAccess {
  /** Null when there is none. */
  readonly read: (name: string) => Promise<KubeObject | null>;
  /** Why the resource may not use a Secret; null when it may (I16). */
  readonly refusal: (secret: KubeObject) => string | null;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Looks up every Secret that the resource names, in its own namespace. Reports all problems at once. */
export async function resolveReferences(subscription: Subscription, access: SecretAccess): Promise<References> {
  const { spec, metadata } = subscription;
  const problems: string[] = [];
  const look = lookUp(metadata.namespace, access, problems);
  const { token } = spec.auth;
  const redis = await lookUpRedis(spec.redis, look);
  await lookUpPlatform(spec.auth, look);
  await lookUpPseudonymKeys(spec.privacy, look, problems);
  const ingest = spec.ingest.tokenSecretRef;
  const ingestSecret = ingest && (await look('ingest.tokenSecretRef', ingest.name, { tokens: [ingest.key] }));
  const headers = spec.telemetry.otlp?.headersSecretName;
  const headersSecret =
    headers === undefined ? null : await look('telemetry.otlp.headersSecretName', headers, { values: [HEADERS_KEY] });
  await lookUpWebhooks(spec.consumerGroups, look);
  await lookUpNats(spec.consumerGroups, look);
  await lookUpCertificate(subscription, look);
  await lookUpPullSecrets('gateway.imagePullSecrets', spec.gateway.imagePullSecrets, access, problems);
  const signing = token.signing.secretName;
  const foreignKeyId = signing === undefined ? null : await lookUpKeys(signing, look, problems);
  return {
    redis,
    ingestToken: ingest && ingestSecret ? valueOf(ingestSecret, ingest.key) : null,
    otlpHeaders: valueOf(headersSecret, HEADERS_KEY),
    foreignKeyId,
    problems,
  };
}

/** Returns a Secret that has the required keys and may be used; else null, and reports why. */
export function lookUp(namespace: string, access: SecretAccess, problems: string[]): LookUp {
  return async (field, name, { texts = [], values = [], tokens = [], authorities = [], pair = false }) => {
    const secret = await access.read(name);
    if (secret === null) {
      problems.push(`${field}: there is no Secret ${name} in namespace ${namespace}`);
      return null;
    }
    const refusal = access.refusal(secret);
    if (refusal !== null) {
      problems.push(`${field}: the Secret ${name} ${refusal} and cannot be used here`);
      return null;
    }
    const all = [...texts, ...values, ...tokens, ...authorities, ...(pair ? PAIR : [])];
    const unread = tellUnreadable(secret, all, (fault) => problems.push(`${field}: ${fault}`));
    if (unread) return secret;
    const textOf = (key: string) => secretText(secret, key) ?? '';
    const missing = all.filter((key) => textOf(key).trim() === '');
    if (missing.length > 0) problems.push(`${field}: the Secret ${name} has no ${missing.join(' and no ')}`);
    const isThere = (key: string) => !missing.includes(key);
    for (const key of [...values, ...tokens].filter(isThere)) {
      const read = (tokens.includes(key) ? tokenValue : secretValue)(textOf(key));
      if ('fault' in read) problems.push(`${field}: the key ${key} of the Secret ${name} ${read.fault}`);
    }
    const faults = authorities.filter(isThere).map((key) => faultOfAuthorities(key, textOf(key), access.now()));
    if (pair && PAIR.every(isThere)) {
      faults.push(faultOfPair({ cert: textOf('tls.crt'), key: textOf('tls.key') }, access.now()));
    }
    for (const fault of faults) if (fault !== null) problems.push(`${field}: the Secret ${name} ${fault}`);
    return secret;
  };
}

/** Whether a key is not UTF-8 text, which is reported for each. */
function tellUnreadable(secret: KubeObject, keys: readonly string[], tell: (fault: string) => void): boolean {
  const faults = keys.flatMap((key) => {
    const read = readSecret(secret, key);
    return read !== null && 'fault' in read
      ? [`the key ${key} of the Secret ${secret.metadata.name} ${read.fault}`]
      : [];
  });
  faults.forEach(tell);
  return faults.length > 0;
}

/** Credentials for servers of the platform. */
async function lookUpPlatform({ directory, kazoo, oidc }: Subscription['spec']['auth'], look: LookUp): Promise<void> {
  const { secretRef, http } = directory ?? {};
  if (secretRef) await look('auth.directory.secretRef', secretRef.name, { texts: [secretRef.key] });
  const { tokenSecretRef: token, caSecretRef: ca } = http ?? {};
  if (token) await look('auth.directory.http.tokenSecretRef', token.name, { tokens: [token.key] });
  for (const [field, authority] of [
    ['directory.http', ca],
    ['kazoo', kazoo?.caSecretRef],
    ['oidc', oidc?.caSecretRef],
  ] as const) {
    if (authority) await look(`auth.${field}.caSecretRef`, authority.name, { authorities: [authority.key] });
  }
}

/** They are mounted: a gateway would refuse unreadable ones, and keep the last good ones. */
async function lookUpPseudonymKeys(
  { pseudonymKeySecretRef: ref }: Subscription['spec']['privacy'],
  look: LookUp,
  problems: string[],
): Promise<void> {
  if (ref === undefined) return;
  const field = 'privacy.pseudonymKeySecretRef';
  const text = secretText(await look(field, ref.name, { texts: [ref.key] }), ref.key);
  const read = text === null || text.trim() === '' ? null : readPseudonymKeys(text);
  if (read?.ok === false) problems.push(`${field}: the key ${ref.key} of the Secret ${ref.name}: ${read.fault}`);
}

/** Signing secrets and trusted authorities of webhooks. */
async function lookUpWebhooks(groups: Subscription['spec']['consumerGroups'], look: LookUp): Promise<void> {
  for (const { name, webhook } of groups) {
    const field = `consumerGroups[${name}].webhook`;
    for (const { name: secret, key } of webhook?.secretRefs ?? [])
      await look(`${field}.secretRefs`, secret, { values: [key] });
    const ca = webhook?.caSecretRef;
    if (ca !== undefined) await look(`${field}.caSecretRef`, ca.name, { texts: [ca.key] });
  }
}

/** Credentials and trusted authorities of NATS sinks. */
async function lookUpNats(groups: Subscription['spec']['consumerGroups'], look: LookUp): Promise<void> {
  for (const { name, nats } of groups) {
    const field = `consumerGroups[${name}].nats`;
    const { credsSecretRef: creds, tokenSecretRef: token, loginSecretName: login, caSecretRef: ca } = nats ?? {};
    if (creds) await look(`${field}.credsSecretRef`, creds.name, { texts: [creds.key] });
    if (token) await look(`${field}.tokenSecretRef`, token.name, { values: [token.key] });
    if (login !== undefined) await look(`${field}.loginSecretName`, login, { values: ['username', 'password'] });
    if (ca) await look(`${field}.caSecretRef`, ca.name, { authorities: [ca.key] });
  }
}

async function lookUpCertificate({ spec, metadata }: Subscription, look: LookUp): Promise<void> {
  const { secretName, issuerRef } = spec.gateway.tls;
  const pair = { pair: true };
  if (secretName !== undefined) await look('gateway.tls.secretName', secretName, pair);
  if (issuerRef !== undefined) await look('gateway.tls.issuerRef (not issued yet?)', namesOf(metadata.name).tls, pair);
}

/** The kubelet reports those that are missing. */
export async function lookUpPullSecrets(
  field: string,
  named: readonly { readonly name: string }[],
  access: SecretAccess,
  problems: string[],
): Promise<void> {
  for (const { name } of named) {
    const secret = await access.read(name);
    const refusal = secret && access.refusal(secret);
    if (refusal !== null) problems.push(`${field}: the Secret ${name} ${refusal} and cannot be used here`);
  }
}

/** With keys that the platform rotates: the id of the signing one. */
async function lookUpKeys(name: string, look: LookUp, problems: string[]): Promise<string | null> {
  const secret = await look('auth.token.signing.secretName', name, { texts: [KEYS_FILE] });
  const keys = readForeignKeys(secret);
  if (secretText(secret, KEYS_FILE) !== null && keys === null) {
    problems.push(`auth.token.signing.secretName: ${KEYS_FILE} is not an array of private JWKs with kid and alg`);
  }
  return keys?.[0] ?? null;
}
