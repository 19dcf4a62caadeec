import { busOf, type SourceSpec } from '../../protocol/source.ts';

/** One Secret that endpoints name, with the keys that pods read from it. */
export interface NamedSecret {
  readonly field: string;
  readonly name: string;
  /** A value of one line. */
  readonly values: readonly string[];
  /** Certificates of authorities. */
  readonly authorities: readonly string[];
  /** Has `tls.crt` and `tls.key`. */
  readonly pair: boolean;
  /** Optional. */
  readonly optional: readonly string[];
}

interface Tls {
  readonly caSecretRef?: { readonly name: string; readonly key: string } | undefined;
  readonly clientCertSecretName?: string | undefined;
}

/** Everything that the endpoints of a source name, as `source/config/endpoints.ts` reads it. Pure. */
export function namedSecrets(spec: SourceSpec): readonly NamedSecret[] {
  const secret = (field: string, name: string, keys: Partial<NamedSecret>): NamedSecret => ({
    field,
    name,
    values: [],
    authorities: [],
    pair: false,
    optional: [],
    ...keys,
  });
  const tls = (field: string, { caSecretRef, clientCertSecretName }: Tls) => [
    ...(caSecretRef === undefined
      ? []
      : [secret(`${field}.caSecretRef`, caSecretRef.name, { authorities: [caSecretRef.key] })]),
    ...(clientCertSecretName === undefined
      ? []
      : [secret(`${field}.clientCertSecretName`, clientCertSecretName, { pair: true })]),
  ];
  const credentials = (field: string, ref: { name: string } | undefined, keys: Partial<NamedSecret>) =>
    ref === undefined ? [] : [secret(`${field}.credentialsSecretRef`, ref.name, keys)];
  const bus = busOf(spec);
  return [
    ...(bus?.brokers ?? []).flatMap(({ name, urlSecretRef: ref, tls: files }) => {
      const field = `${bus?.place}.brokers[${name}]`;
      const url = ref === undefined ? [] : [secret(`${field}.urlSecretRef`, ref.name, { values: [ref.key] })];
      return [...url, ...tls(`${field}.tls`, files)];
    }),
    ...(spec.freeswitch?.endpoints ?? []).flatMap(({ name, credentialsSecretRef: ref }) =>
      credentials(`freeswitch.endpoints[${name}]`, ref, { values: ['password'], optional: ['username'] }),
    ),
    ...(spec.asterisk?.endpoints ?? []).flatMap(({ name, credentialsSecretRef: ref, tls: files }) => {
      const field = `asterisk.endpoints[${name}]`;
      const login = credentials(field, ref, { values: ['username', 'password'] });
      return [...login, ...(files.enabled ? tls(`${field}.tls`, files) : [])];
    }),
  ];
}

/** Every Secret that a source names, for any purpose: all are read again when something is missing. */
export function allSecretNames(spec: SourceSpec): readonly string[] {
  const { redis } = spec;
  const others = [
    redis.urlSecretRef?.name,
    redis.tls.caSecretRef?.name,
    redis.tls.clientCertSecretName,
    redis.sentinel?.loginSecretName,
    spec.accounts.directorySecretRef?.name,
    spec.telemetry.otlp?.headersSecretName,
    spec.asterisk?.listen?.tls.secretName,
    ...spec.imagePullSecrets.map(({ name }) => name),
  ];
  return [...namedSecrets(spec).map(({ name }) => name), ...others.filter((name) => name !== undefined)];
}
