import { busOf, type SourceSpec } from '../../protocol/source.ts';
import type { BrokerSpec } from '../../protocol/source-spec/bus.ts';
import { asteriskPort } from '../../protocol/source-spec/switches.ts';
import { EndpointSecrets, type TlsFiles } from './secrets.ts';

interface Credentials {
  readonly username: string;
  readonly password: string;
}

interface BrokerEndpoint {
  readonly kind: 'broker';
  readonly name: string;
  /** Contains the credentials: must not appear in a log or an error (S12). */
  readonly url: string;
  readonly tls: TlsFiles;
}

export interface FreeswitchEndpoint {
  readonly kind: 'freeswitch';
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Without a user, the password of event_socket.conf. */
  readonly credentials: { readonly username: string | null; readonly password: string };
}

export interface AsteriskEndpoint {
  readonly kind: 'asterisk';
  readonly name: string;
  /** Null: the switch connects (ARIOutbound). */
  readonly address: { readonly host: string; readonly port: number } | null;
  readonly interface: 'AMI' | 'ARI' | 'ARIOutbound';
  readonly credentials: Credentials;
  /** Null: without TLS. */
  readonly tls: TlsFiles | null;
}

/** One switch or broker, with everything needed to connect to it. */
export type Endpoint = BrokerEndpoint | FreeswitchEndpoint | AsteriskEndpoint;

/** Every endpoint of the specification, without those that have a fault. */
export async function readEndpoints(
  spec: SourceSpec,
  folder: string | null,
): Promise<{ readonly endpoints: readonly Endpoint[]; readonly faults: readonly string[] }> {
  const faults: string[] = [];
  const secrets = (name: string) => new EndpointSecrets(folder, name, faults);
  const read = await Promise.all([
    ...(busOf(spec)?.brokers ?? []).map(async (one) => broker(one, secrets(one.name))),
    ...(spec.freeswitch?.endpoints ?? []).map(async (one) => freeswitch(one, secrets(one.name))),
    ...(spec.asterisk?.endpoints ?? []).map(async (one) => asterisk(one, secrets(one.name))),
  ]);
  if (folder === null && read.length > 0) {
    faults.push('environment: FIREHOSE_SOURCE_SECRETS: the folder with the Secrets of the endpoints');
  }
  return { endpoints: read.filter((one) => one !== null), faults };
}

type Element<L> = L extends readonly (infer E)[] ? E : never;
type SocketSpec = Element<NonNullable<NonNullable<SourceSpec['freeswitch']>['endpoints']>>;
type AsteriskSpec = Element<NonNullable<SourceSpec['asterisk']>['endpoints']>;

/** An endpoint without a reference has the folder of its own name. */
async function broker(
  { name, urlSecretRef, tls }: BrokerSpec,
  secrets: EndpointSecrets,
): Promise<BrokerEndpoint | null> {
  const { name: secret, key } = urlSecretRef ?? { name, key: 'url' };
  const [url, files] = [await secrets.value(secret, key), await secrets.tls(tls)];
  if (url === null) return null;
  if (/^amqps?:$/.test(URL.parse(url)?.protocol ?? '')) return { kind: 'broker', name, url, tls: files };
  secrets.fault('the URL of the broker is none (amqp:// or amqps://)');
  return null;
}

async function freeswitch(spec: SocketSpec, secrets: EndpointSecrets): Promise<FreeswitchEndpoint | null> {
  const { name, host, port, credentialsSecretRef } = spec;
  const secret = credentialsSecretRef?.name ?? name;
  const username = await secrets.value(secret, 'username', true);
  const password = await secrets.value(secret, 'password');
  if (password === null) return null;
  return { kind: 'freeswitch', name, host, port, credentials: { username, password } };
}

async function asterisk(spec: AsteriskSpec, secrets: EndpointSecrets): Promise<AsteriskEndpoint | null> {
  const { name, host, credentialsSecretRef } = spec;
  const secret = credentialsSecretRef?.name ?? name;
  const username = await secrets.value(secret, 'username');
  const password = await secrets.value(secret, 'password');
  const tls = spec.tls.enabled ? await secrets.tls(spec.tls) : null;
  if (username === null || password === null) return null;
  const port = asteriskPort(spec);
  const address = host === undefined || port === null ? null : { host, port };
  return { kind: 'asterisk', name, address, interface: spec.interface, credentials: { username, password }, tls };
}
