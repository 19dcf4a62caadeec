import { z } from 'zod';
import { directoryAnswerSchema, healthAnswerSchema, sourcesAnswerSchema } from '../administration.ts';
import {
  CONNECTIONS_PATH,
  DEAD_LETTERS_PATH,
  DIRECTORY_PATH,
  EXPLAIN_EVENT_PATH,
  GROUPS_PATH,
  HEALTH_PATH,
  LOCKOUTS_PATH,
  REVOCATIONS_PATH,
  SOURCES_PATH,
  SINKS_PATH,
  WEBHOOKS_PATH,
} from '../paths.ts';
import { explanationSchema } from '../explanation.ts';
import { EXPLAIN_PARAMETERS } from './explain-parameters.ts';
import { refusals } from './refusals.ts';
import { allSchemas, type JsonSchema } from './schemas.ts';

/** One request of an administrator. */
interface Operation {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Keys of the body. */
  readonly body?: string;
  /** Default: 200. */
  readonly status?: '200' | '202';
  /** Whether it takes the parameters of a stream's replay, and refuses them alike. */
  readonly isReplay?: true;
  readonly answer: JsonSchema;
}

const LIMIT = 'Entries in the answer, 1 to 1000; 100 when not given';
const AFTER = 'The `next` of the page before';

/** An object with these keys. */
const having = (...keys: readonly string[]): JsonSchema => ({
  type: 'object',
  required: keys,
  properties: Object.fromEntries(keys.map((key) => [key, {}])),
});
const of = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema) as JsonSchema;

/** A webhook or a sink in a list. */
const SENDER = [
  'group',
  'account',
  'host',
  'state',
  'held_back',
  'off',
  'failing_since',
  'failing_cause',
  'succeeded_at',
  'failures',
  'in_flight',
  'replay',
  'lost',
  'source_gaps',
  'lag',
  'pending',
  'dead_letters',
  'self_service',
] as const;

const replaysOf = (path: string, kind: string): readonly Operation[] => [
  {
    method: 'post',
    path: `${path}/{group}/replay`,
    id: `replay${kind}`,
    summary: 'Send a part of the log again, from this replica',
    body: 'from or cursor, and to',
    status: '202',
    isReplay: true,
    answer: having('replay'),
  },
  {
    method: 'post',
    path: `${path}/{group}/replay/stop`,
    id: `stop${kind}Replay`,
    summary: 'End the replay of this replica',
    answer: having('replay'),
  },
];

const OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: REVOCATIONS_PATH,
    id: 'listRevocations',
    summary: 'What is revoked, the newest first',
    query: { limit: LIMIT, after: AFTER },
    answer: having('revocations', 'next'),
  },
  {
    method: 'post',
    path: REVOCATIONS_PATH,
    id: 'revoke',
    summary: 'Revoke a token, the tokens of a user so far, or those of an account and all below it',
    body: 'One of token, jti, user (domain or account, and username) and account',
    answer: having('revoked', 'at', 'until', 'closed'),
  },
  {
    method: 'get',
    path: CONNECTIONS_PATH,
    id: 'listConnections',
    summary: 'The live connections of this replica',
    query: { limit: LIMIT, after: AFTER },
    answer: having('connections', 'next'),
  },
  {
    method: 'get',
    path: LOCKOUTS_PATH,
    id: 'listLockouts',
    summary: 'Users and addresses whose logins are delayed, over all replicas',
    answer: having('lockouts'),
  },
  {
    method: 'post',
    path: `${LOCKOUTS_PATH}/lift`,
    id: 'liftLockouts',
    summary: 'End delays',
    body: 'One of id, username, address and all',
    answer: having('lifted'),
  },
  {
    method: 'get',
    path: GROUPS_PATH,
    id: 'listGroups',
    summary: 'The durable groups over all replicas: backlog and connections',
    answer: having('groups'),
  },
  {
    method: 'get',
    path: DIRECTORY_PATH,
    id: 'listDirectory',
    summary: 'Accounts and users as this replica has them, without password hashes',
    query: {
      limit: LIMIT,
      after: AFTER,
      parent: 'Accounts right below this one; empty: those without a parent',
      account: 'The account with this id',
      domain: 'The account with this name or realm',
    },
    answer: of(directoryAnswerSchema),
  },
  {
    method: 'get',
    path: SOURCES_PATH,
    id: 'listSources',
    summary: 'Sources that write into the same Redis, and what each replica reports of each switch or broker',
    answer: of(sourcesAnswerSchema),
  },
  {
    method: 'get',
    path: HEALTH_PATH,
    id: 'health',
    summary: 'What this replica finds of itself and of the others, in the form of firehose doctor',
    answer: of(healthAnswerSchema),
  },
  {
    method: 'get',
    path: EXPLAIN_EVENT_PATH,
    id: 'explain',
    summary: 'Why a session, a user, a token or a durable group got an event or not',
    query: {
      ...EXPLAIN_PARAMETERS,
      session: 'Of this session',
      token_id: 'Of the sessions of the token with this id (jti)',
      user: 'Of the sessions of this user of the account',
      domain: 'Name or realm of the account',
      account: 'Id of the account',
    },
    answer: of(explanationSchema),
  },
  {
    method: 'get',
    path: WEBHOOKS_PATH,
    id: 'listWebhooks',
    summary: 'The webhooks as this replica knows them, those that logins created among them (self_service)',
    answer: having('webhooks'),
  },
  {
    method: 'get',
    path: `${WEBHOOKS_PATH}/{group}`,
    id: 'showWebhook',
    summary: 'One webhook with its last requests',
    answer: having(...SENDER, 'attempts'),
  },
  {
    method: 'post',
    path: `${WEBHOOKS_PATH}/{group}/enable`,
    id: 'enableWebhook',
    summary: 'Switch a webhook on, for all replicas',
    answer: having(...SENDER),
  },
  {
    method: 'post',
    path: `${WEBHOOKS_PATH}/{group}/disable`,
    id: 'disableWebhook',
    summary: 'Switch off a webhook that a login created, until it is enabled here',
    answer: having(...SENDER),
  },
  {
    method: 'post',
    path: `${WEBHOOKS_PATH}/{group}/delete`,
    id: 'deleteWebhook',
    summary: 'Delete a webhook that a login created, with its position and dead letters',
    answer: having('deleted'),
  },
  {
    method: 'post',
    path: `${WEBHOOKS_PATH}/{group}/test`,
    id: 'testWebhook',
    summary: 'Send a test event',
    answer: having('id', 'outcome', 'ms'),
  },
  ...replaysOf(WEBHOOKS_PATH, 'Webhook'),
  {
    method: 'get',
    path: SINKS_PATH,
    id: 'listSinks',
    summary: 'The NATS sinks as this replica knows them',
    answer: having('sinks'),
  },
  {
    method: 'get',
    path: `${SINKS_PATH}/{group}`,
    id: 'showSink',
    summary: 'One sink with its last messages',
    answer: having(...SENDER, 'attempts'),
  },
  {
    method: 'post',
    path: `${SINKS_PATH}/{group}/test`,
    id: 'testSink',
    summary: 'Publish a test event',
    answer: having('id', 'outcome', 'ms'),
  },
  ...replaysOf(SINKS_PATH, 'Sink'),
  {
    method: 'get',
    path: `${DEAD_LETTERS_PATH}/{group}`,
    id: 'listDeadLetters',
    summary: 'Dead letters of a group, the oldest first',
    query: { limit: LIMIT, after: AFTER, account: 'Of the group of this account' },
    answer: having('dead_letters', 'next'),
  },
  {
    method: 'get',
    path: `${DEAD_LETTERS_PATH}/{group}/{id}`,
    id: 'showDeadLetter',
    summary: 'One dead letter with its event',
    answer: having('id', 'data'),
  },
  {
    method: 'post',
    path: `${DEAD_LETTERS_PATH}/{group}/{id}/redrive`,
    id: 'redriveDeadLetter',
    summary: 'Put a dead letter back at the end of the log, once',
    answer: { type: 'object' },
  },
];

/** The administration endpoint of the inner listener, as OpenAPI 3.1. Pure. */
export function administrationApi(version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Firehose administration',
      version,
      summary: 'What administrators ask of a gateway, on its inner listener',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: pathsOf(OPERATIONS),
    security: [{ admin: [] }],
    components: {
      securitySchemes: { admin: { type: 'http', scheme: 'bearer', description: 'The token of administrators' } },
      schemas: { problem: allSchemas([]).get('problem') },
    },
  };
}

function pathsOf(operations: readonly Operation[]): Readonly<Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) (paths[operation.path] ??= {})[operation.method] = shown(operation);
  return paths;
}

function shown({ path, id, summary, query = {}, body, status = '200', isReplay, answer }: Operation): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query).map(([name, description]) => ({
    name,
    in: 'query',
    required: false,
    description,
    schema: { type: 'string' },
  }));
  return {
    operationId: id,
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body !== undefined && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { type: 'object', description: body } } },
      },
    }),
    responses: {
      [status]: { description: summary, content: { 'application/json': { schema: answer } } },
      ...refusals(
        ['administration', 'explanations', ...(isReplay ? ['the handshake of the stream' as const] : [])],
        ['not_json'],
      ),
    },
  };
}
