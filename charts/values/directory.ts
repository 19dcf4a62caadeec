import { z } from 'zod';
import {
  env,
  flag,
  integer,
  listOf,
  logLevel,
  namespaces,
  objectName,
  placement,
  resources,
  secretKey,
  section,
} from './pods.ts';

const url = (description: string) =>
  z
    .string()
    .max(1_024)
    .regex(/^(https?:\/\/[^\s@]+)?$/)
    .default('')
    .describe(description);
const query = (description: string) => z.string().max(65_536).default('').describe(description);

/** Shared by all directory servers. */
const server = (mostMemory: string) => ({
  replicas: integer(2, 0, 9).describe('Replicas serve the same.'),
  logLevel: logLevel(),
  env: env(),
  resources: resources('100m', '256Mi', mostMemory),
  ...placement,
  disruptionBudget: section('A PodDisruptionBudget, with two replicas or more.', {
    enabled: flag(true).describe('Makes one.'),
    maxUnavailable: integer(1, 1, 9).describe('Replicas that may be evicted at a time.'),
  }),
});

const sql = section('`firehose directory sql`: from two queries to PostgreSQL or MySQL.', {
  enabled: flag(false).describe('Installs it.'),
  interval: integer(15, 1, 3_600).describe('Seconds between two readings.'),
  urlSecret: secretKey('URL of the database, as postgres://user:password@host:5432/name. Required.', 'url'),
  caSecret: secretKey("Authority of the database's certificate: TLS is required then.", 'ca.crt'),
  queries: section('The queries, see docs/directory.md.', {
    accounts: query('Accounts. Required.'),
    users: query('Users. Empty: none.'),
  }),
  ...server('1Gi'),
});

const kazoo = section('`firehose directory kazoo`: the account tree of a Kazoo platform.', {
  enabled: flag(false).describe('Installs it.'),
  url: url("Address of Kazoo's API, without /v2. Required."),
  account: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,64}$/)
    .default('')
    .describe("Id of the root account. Empty: the API key's."),
  apiKeySecret: secretKey('The API key of the account. Required.', 'api-key'),
  caSecret: secretKey("Authority of the API's certificate. Without a name: the system's.", 'ca.crt'),
  amqp: section("Kazoo's broker: changes are in force as they happen then.", {
    urlSecret: secretKey('Its URL, as amqps://user:password@host:5671. Without a name: no broker.', 'url'),
    caSecret: secretKey("Authority of its certificate. Without a name: the system's.", 'ca.crt'),
    clientCertSecretName: objectName().describe('A Secret of type kubernetes.io/tls. Empty: no client certificate.'),
    exchange: z.string().min(1).max(127).default('configuration').describe("Exchange of Kazoo's changes of documents."),
  }),
  ...server('1Gi'),
});

/** Servers of the directory contract, for platforms without one. */
export const directory = section('Directory servers, for `spec.auth.directory.http` of FirehoseSubscriptions.', {
  tokenSecret: secretKey('The bearer token that gateways present. Required with a server.', 'token'),
  tlsSecretName: objectName().describe('A Secret of type kubernetes.io/tls for the servers. Empty: plain HTTP.'),
  push: listOf(/^https?:\/\/\S+$/).describe(
    'Addresses of `/ws/v1/firehose/directory/refresh` of gateways, told of each change: `http://<resource>-inner.<namespace>:9090/...`.',
  ),
  fromNamespaces: namespaces().describe('Namespaces of gateways that may ask. Empty: that of the release.'),
  sql,
  kazoo,
});
