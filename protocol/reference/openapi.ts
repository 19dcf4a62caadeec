import { z } from 'zod';
import { callSchema } from '../call.ts';
import { eventStreamFrameSchema } from '../event-stream-frame.ts';
import { LOGIN_KEYS } from '../login-body.ts';
import { CALLS_PATH, EVENTS_PATH, EXPLAIN_PATH, LOGIN_PATH, STREAM_PATH } from '../paths.ts';
import { DOCUMENT_PATHS } from './document-paths.ts';
import { explanationSchema } from '../explanation.ts';
import { EXPLAIN_PARAMETERS } from './explain-parameters.ts';
import { OWN_WEBHOOK_PATHS, OWN_WEBHOOK_SCHEMAS } from './own-webhooks.ts';
import { refusals } from './refusals.ts';
import { allSchemas } from './schemas.ts';
import { EVENTS_PARAMETERS, STREAM_PARAMETERS } from './stream-parameters.ts';

export interface ReferenceOptions {
  readonly version: string;
  /** Events that the resource adds to the catalogue. */
  readonly additionalEvents: readonly string[];
}

const refer = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const LOGIN_BODY = {
  type: 'object',
  required: ['username', 'password', 'domain'],
  properties: LOGIN_KEYS,
};

const NAMES = { type: ['array', 'null'], items: { type: 'string' } };

const LOGIN_ANSWER = {
  type: 'object',
  required: ['access_token', 'token_type', 'expires_in', 'account_id', 'scope'],
  properties: {
    access_token: { type: 'string', description: 'A JSON Web Token' },
    token_type: { type: 'string', const: 'Bearer' },
    expires_in: { type: 'integer', description: 'Seconds' },
    account_id: { type: 'string' },
    scope: {
      type: 'object',
      required: ['accounts', 'events'],
      properties: { accounts: NAMES, events: NAMES },
      description: 'What the token grants; null: all',
    },
    privacy: {
      type: 'object',
      required: ['profile', 'version'],
      properties: {
        profile: { type: 'string', description: 'The profile in force; several are joined by +' },
        version: { type: 'string', description: 'Another one for each content of the profile' },
      },
      description: 'What is hidden of personal data; absent: nothing is',
    },
    ignored: { type: 'array', items: { type: 'string' }, description: 'Keys of the body that mean nothing' },
  },
};

const inQuery = (parameters: Readonly<Record<string, string>>) =>
  Object.entries(parameters).map(([name, description]) => ({
    name,
    in: 'query',
    required: false,
    description,
    schema: { type: 'string' },
  }));

/** The stream as Server-Sent Events. */
const EVENTS = {
  get: {
    operationId: 'events',
    summary: 'The stream as Server-Sent Events',
    parameters: [
      ...inQuery(EVENTS_PARAMETERS),
      {
        name: 'Last-Event-ID',
        in: 'header',
        required: false,
        description: 'The id of the last event that the client had: wins over cursor and from',
        schema: { type: 'string' },
      },
    ],
    responses: {
      '200': {
        description:
          'The stream. An event of a call has no name and its cursor as id; `event: firehose` is one of the frames below. ' +
          'To an EventSource 429 and 503 are a stream of one frame `problem`.',
        content: { 'text/event-stream': { schema: z.toJSONSchema(eventStreamFrameSchema, { io: 'input' }) } },
      },
      '204': { description: 'A client comes back behind the end of its replay: there is no more' },
      ...refusals(['the handshake of the stream', 'live calls']),
    },
  },
};

const CALLS_ANSWER = {
  type: 'object',
  required: ['cursor', 'as_of', 'calls', 'next'],
  properties: {
    cursor: { type: 'string', description: 'The stream continues after this place' },
    as_of: { type: 'string', format: 'date-time' },
    calls: { type: 'array', items: refer('call') },
    next: { type: 'null' },
  },
};

/** The live calls, in one document or as lines. */
const CALLS = {
  get: {
    operationId: 'calls',
    summary: 'The live calls, and the cursor from which the stream goes on',
    parameters: [
      { name: 'account', in: 'query', required: false, description: 'Of this account', schema: { type: 'string' } },
    ],
    responses: {
      '200': {
        description: 'The live calls',
        content: {
          'application/json': { schema: refer('liveCalls') },
          'application/x-ndjson': { schema: { type: 'string', description: 'The frames of a snapshot, one a line' } },
        },
      },
      ...refusals(['live calls'], ['invalid_token', 'foreign_account', 'grant_unavailable']),
    },
  },
};

/** Why a consumer's own sessions got an event or not. */
const EXPLAIN = {
  get: {
    operationId: 'explain',
    summary: 'Why the sessions of the user of the token got an event or not',
    parameters: inQuery(EXPLAIN_PARAMETERS),
    responses: {
      '200': {
        description: 'The explanation. An event that the token does not show is answered as one that never was',
        content: { 'application/json': { schema: z.toJSONSchema(explanationSchema) } },
      },
      ...refusals(['explanations', 'the handshake of the stream']),
    },
  },
};

/** The public listener of a gateway, as OpenAPI 3.1. Pure. */
export function openApi({ version, additionalEvents }: ReferenceOptions) {
  const schemas = allSchemas(additionalEvents);
  const shown = ['event', 'meta', 'problem'] as const;
  return {
    openapi: '3.1.0',
    info: {
      title: 'Firehose',
      version,
      summary: 'Call events of an account and all its descendants, in real time',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      [LOGIN_PATH]: {
        post: {
          operationId: 'login',
          summary: 'Log in',
          security: [],
          requestBody: { required: true, content: { 'application/json': { schema: refer('login') } } },
          responses: {
            '200': { description: 'A token', content: { 'application/json': { schema: refer('token') } } },
            ...refusals(['login']),
          },
        },
      },
      [STREAM_PATH]: {
        get: {
          operationId: 'callEvents',
          summary: 'Open the stream: a WebSocket, see asyncapi.json for its messages',
          parameters: inQuery(STREAM_PARAMETERS),
          responses: {
            '101': { description: 'The WebSocket is open' },
            ...refusals(['the handshake of the stream', 'live calls']),
          },
        },
      },
      [EVENTS_PATH]: EVENTS,
      [CALLS_PATH]: CALLS,
      [EXPLAIN_PATH]: EXPLAIN,
      ...OWN_WEBHOOK_PATHS,
      ...DOCUMENT_PATHS,
    },
    security: [{ bearer: [] }, { query: [] }],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        query: { type: 'apiKey', in: 'query', name: 'token' },
      },
      schemas: {
        ...Object.fromEntries(shown.map((name) => [name, schemas.get(name)])),
        login: LOGIN_BODY,
        token: LOGIN_ANSWER,
        call: z.toJSONSchema(callSchema),
        liveCalls: CALLS_ANSWER,
        ...OWN_WEBHOOK_SCHEMAS,
      },
    },
  };
}
