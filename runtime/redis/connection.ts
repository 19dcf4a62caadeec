import type { Subscription } from '../../protocol/subscription.ts';
import type { AddressPolicy } from '../net/address-guard.ts';

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** How to reach one Redis, in any mode. Contains secrets: never logged. */
export interface RedisConnection {
  readonly mode: 'Standalone' | 'Sentinel' | 'Cluster';
  /** The server; with Sentinel the sentinels; with Cluster some of its nodes, which name the others. */
  readonly nodes: readonly RedisNode[];
  /** Login of the servers with the data. Empty: none. */
  readonly username: string;
  readonly password: string;
  readonly database: number;
  /** Only with Sentinel. User and password are the sentinels' own, empty for none. */
  readonly sentinel: { readonly masterName: string; readonly username: string; readonly password: string } | null;
  readonly tls: RedisTls | null;
  /** Checks every address before a connection; null: no address is checked. */
  readonly guard: AddressPolicy | null;
}

/** PEM texts; when empty: the system's authorities, no client certificate, the host's own name. */
export interface RedisTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** The name that every server's certificate must have, instead of the connected host's. */
  readonly serverName: string;
}

/** A URL alone means a single server. */
export type RedisAddress = string | RedisConnection;

const URL_FORM = /^(rediss?):\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/(\d{0,5}))?$/;
const NODE_FORM = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/;

interface ParsedUrl {
  readonly isTls: boolean;
  readonly username: string;
  readonly password: string;
  readonly nodes: readonly RedisNode[];
  /** Null when the URL names none. */
  readonly database: number | null;
}

/** Null when it is not such a URL. The default port is Redis's own, 6379, and 26379 for sentinels. */
export function parseRedisUrl(url: string, defaultPort = 6_379): ParsedUrl | null {
  const [whole, scheme, credentials = '', hosts = '', database = ''] = URL_FORM.exec(url) ?? [];
  if (whole === undefined) return null;
  const nodes = hosts.split(',').map((text) => parseNode(text, defaultPort));
  const colon = credentials.indexOf(':');
  const username = decoded(colon < 0 ? credentials : credentials.slice(0, colon));
  const password = decoded(colon < 0 ? '' : credentials.slice(colon + 1));
  if (username === null || password === null || holdsControl(username) || holdsControl(password)) return null;
  const known = nodes.filter((node) => node !== null);
  if (known.length < nodes.length) return null;
  return {
    isTls: scheme === 'rediss',
    username,
    password,
    nodes: known,
    database: database === '' ? null : Number(database),
  };
}

function parseNode(text: string, defaultPort: number): RedisNode | null {
  const [whole, host = '', digits] = NODE_FORM.exec(text) ?? [];
  const port = digits === undefined ? defaultPort : Number(digits);
  if (whole === undefined || port < 1 || port > 65_535) return null;
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port };
}

/** Whether a host has two colons and no bracket: an IPv6 address, in which a port cannot be recognised. */
function namesBareIpv6(url: string): boolean {
  const authority = url.replace(/^rediss?:\/\//, '').split('/', 1)[0] ?? '';
  const hosts = authority.slice(authority.lastIndexOf('@') + 1).split(',');
  return hosts.some((host) => !host.startsWith('[') && host.split(':').length > 2);
}

/** A line break in a login would end a command of an inline protocol. */
function holdsControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    // A `%` without a valid escape: the caller reports the URL, without its text.
    return null;
  }
}

/** The settings of a Redis: the fields of the subscription, the environment and files. */
export interface RedisSettings {
  readonly url: string;
  readonly spec: Subscription['spec']['redis'];
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** PEM texts. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly guard?: AddressPolicy | null;
}

const LIST = 'redis://user:password@host:6379/0, rediss:// for TLS, and several hosts with commas between them';

/** The connection, or all its faults; no fault contains a secret. */
export function redisConnection(settings: RedisSettings): { connection: RedisConnection } | { faults: string[] } {
  const { spec, ca = '', cert = '', key = '', sentinelUsername = '', sentinelPassword = '' } = settings;
  const parsed = parseRedisUrl(settings.url, spec.mode === 'Sentinel' ? 26_379 : 6_379);
  if (parsed === null && namesBareIpv6(settings.url))
    return { faults: ['REDIS_URL: an IPv6 address needs brackets: redis://[2001:db8::1]:6379'] };
  if (parsed === null)
    return { faults: [`REDIS_URL: a URL as ${LIST}; special characters percent-encoded, no control characters`] };
  const isTls = parsed.isTls || spec.tls.enabled;
  const hasSentinelLogin = sentinelUsername !== '' || sentinelPassword !== '';
  const faults: string[] = [];
  const refuse = (isWrong: boolean, fault: string) => void (isWrong && faults.push(fault));
  refuse(
    spec.mode === 'Standalone' && parsed.nodes.length > 1,
    'REDIS_URL: names several hosts, but spec.redis.mode is Standalone',
  );
  refuse(
    parsed.database !== null && spec.database !== 0 && parsed.database !== spec.database,
    `REDIS_URL: names database ${parsed.database}, but spec.redis.database is ${spec.database}`,
  );
  refuse(
    spec.mode === 'Cluster' && (parsed.database ?? 0) !== 0,
    'REDIS_URL: names a database, but a Redis Cluster has only database 0',
  );
  refuse(
    !isTls && (ca !== '' || cert !== '' || key !== ''),
    'REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE: are given, but neither rediss:// nor spec.redis.tls.enabled',
  );
  refuse(!isTls && spec.tls.serverName !== undefined, 'spec.redis.tls.serverName: is given, but TLS is not enabled');
  refuse((cert === '') !== (key === ''), 'REDIS_CERT_FILE, REDIS_KEY_FILE: go together, and one is missing');
  refuse(
    hasSentinelLogin && spec.mode !== 'Sentinel',
    'REDIS_SENTINEL_USERNAME, REDIS_SENTINEL_PASSWORD: are given, but spec.redis.mode is not Sentinel',
  );
  if (faults.length > 0) return { faults };
  return {
    connection: {
      mode: spec.mode,
      nodes: parsed.nodes,
      username: parsed.username,
      password: parsed.password,
      database: spec.database === 0 ? (parsed.database ?? 0) : spec.database,
      sentinel: sentinelOf(spec, sentinelUsername, sentinelPassword),
      tls: isTls ? { ca, cert, key, serverName: spec.tls.serverName ?? '' } : null,
      guard: settings.guard ?? null,
    },
  };
}

function sentinelOf({ mode, sentinel }: RedisSettings['spec'], username: string, password: string) {
  return mode === 'Sentinel' ? { masterName: sentinel?.masterName ?? '', username, password } : null;
}

const NOTHING_SAID = { mode: 'Standalone', database: 0, keyPrefix: '', tls: { enabled: false } } as const;

/** From a URL alone: a single server. Throws when it is not a URL. */
export function connectionOf(address: RedisAddress): RedisConnection {
  if (typeof address !== 'string') return address;
  const outcome = redisConnection({ url: address, spec: NOTHING_SAID });
  if ('faults' in outcome) throw new TypeError(outcome.faults.join('; '));
  return outcome.connection;
}
