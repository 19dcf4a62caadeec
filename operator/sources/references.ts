import type { Source } from '../../protocol/source.ts';
import { HEADERS_KEY } from '../resources/telemetry.ts';
import { lookUpRedis, type LookUp, type RedisSecrets } from '../subscription/redis-secrets.ts';
import { lookUp, lookUpPullSecrets, type SecretAccess } from '../subscription/references.ts';
import { valueOf } from '../subscription/secret-text.ts';
import { namedSecrets } from './named-secrets.ts';
import { sourceNames } from './rendering.ts';

/** The objects that a source refers to, as found. */
export interface SourceReferences {
  /** Null when a part is missing. */
  readonly redis: RedisSecrets | null;
  /** URLs of the brokers: also secret. */
  readonly brokers: readonly string[];
  /** Also secret. */
  readonly otlpHeaders: string | null;
  /** What is missing, wrong or refused, and what to do; empty when everything is there. */
  readonly problems: readonly string[];
}

/** Looks up every Secret that the source names, in its own namespace. Reports all problems at once. */
export async function resolveSource({ spec, metadata }: Source, access: SecretAccess): Promise<SourceReferences> {
  const problems: string[] = [];
  const look = lookUp(metadata.namespace, access, problems);
  const redis = await lookUpRedis(spec.redis, look);
  const brokers: string[] = [];
  for (const { field, name, values, authorities, pair } of namedSecrets(spec)) {
    const secret = await look(field, name, { values, authorities, pair });
    const [key = ''] = values;
    const url = field.endsWith('.urlSecretRef') ? valueOf(secret, key) : null;
    if (url === null) continue;
    brokers.push(url);
    if (!/^amqps?:$/.test(URL.parse(url)?.protocol ?? '')) {
      problems.push(`${field}: the key ${key} of the Secret ${name} is no URL of a broker (amqp:// or amqps://)`);
    }
  }
  const directory = spec.accounts.directorySecretRef;
  if (directory) await look('accounts.directorySecretRef', directory.name, { texts: [directory.key] });
  const headers = spec.telemetry.otlp?.headersSecretName;
  const headersSecret =
    headers === undefined ? null : await look('telemetry.otlp.headersSecretName', headers, { values: [HEADERS_KEY] });
  await lookUpListener({ spec, metadata }, look);
  await lookUpPullSecrets('imagePullSecrets', spec.imagePullSecrets, access, problems);
  return { redis, brokers, otlpHeaders: valueOf(headersSecret, HEADERS_KEY), problems };
}

async function lookUpListener({ spec, metadata }: Pick<Source, 'spec' | 'metadata'>, look: LookUp): Promise<void> {
  const { secretName, issuerRef } = spec.asterisk?.listen?.tls ?? {};
  const pair = { pair: true };
  const field = 'asterisk.listen.tls';
  if (secretName !== undefined) await look(`${field}.secretName`, secretName, pair);
  if (issuerRef !== undefined) await look(`${field}.issuerRef (not issued yet?)`, sourceNames(metadata.name).tls, pair);
}
