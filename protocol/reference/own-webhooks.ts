import { z } from 'zod';
import {
  createdOwnWebhook,
  newOwnWebhook,
  ownWebhookChange,
  ownWebhookDetail,
  ownWebhookList,
  ownWebhookRotation,
  ownWebhookSchema,
  ownWebhookTest,
} from '../own-webhook.ts';
import { OWN_WEBHOOKS_PATH } from '../paths.ts';
import { refusals } from './refusals.ts';
import type { JsonSchema } from './schemas.ts';

const refer = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** Bodies and answers, by their names in the document. */
export const OWN_WEBHOOK_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  newWebhook: input(newOwnWebhook),
  webhookChange: input(ownWebhookChange),
  webhookRotation: input(ownWebhookRotation),
  webhook: z.toJSONSchema(ownWebhookSchema),
  webhookDetail: z.toJSONSchema(ownWebhookDetail),
  webhookList: z.toJSONSchema(ownWebhookList),
  webhookWithSecret: z.toJSONSchema(createdOwnWebhook),
  webhookTest: z.toJSONSchema(ownWebhookTest),
};

function input(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input' });
}

const REFUSALS = refusals(
  ['self-service webhooks'],
  [
    'invalid_token',
    'grant_unavailable',
    'webhooks_unavailable',
    'not_json',
    'unknown_event',
    'too_many_accounts',
    'too_many_events',
  ],
);
const ID = { name: 'id', in: 'path', required: true, description: 'Id of the webhook', schema: { type: 'string' } };

interface Described {
  readonly id: string;
  readonly summary: string;
  readonly body?: string;
  readonly status?: string;
  readonly answer?: string;
  /** Absent: of all. */
  readonly isOfOne?: true;
}

function operation({ id, summary, body, status = '200', answer, isOfOne }: Described) {
  const json = (name: string) => ({ 'application/json': { schema: refer(name) } });
  const description = answer === undefined ? 'Done' : 'The answer';
  return {
    operationId: id,
    summary,
    ...(isOfOne && { parameters: [ID] }),
    ...(body !== undefined && { requestBody: { required: true, content: json(body) } }),
    responses: {
      ...REFUSALS,
      [status]: { description, ...(answer !== undefined && { content: json(answer) }) },
    },
  };
}

const one = `${OWN_WEBHOOKS_PATH}/{id}`;

/** The webhooks that a login creates for its own account. */
export const OWN_WEBHOOK_PATHS = {
  [OWN_WEBHOOKS_PATH]: {
    get: operation({ id: 'listWebhooks', summary: 'The webhooks of the account', answer: 'webhookList' }),
    post: operation({
      id: 'createWebhook',
      summary: 'Create a webhook, from the present end of the log on. Only this answer has its secret',
      body: 'newWebhook',
      status: '201',
      answer: 'webhookWithSecret',
    }),
  },
  [one]: {
    get: operation({
      isOfOne: true,
      id: 'showWebhook',
      summary: 'A webhook with its last requests',
      answer: 'webhookDetail',
    }),
    patch: operation({
      isOfOne: true,
      id: 'changeWebhook',
      summary: 'Change a webhook: what is absent stays, and the grant of this token applies from now on',
      body: 'webhookChange',
      answer: 'webhook',
    }),
    delete: operation({
      isOfOne: true,
      id: 'deleteWebhook',
      summary: 'Delete a webhook with its position',
      status: '204',
    }),
  },
  [`${one}/test`]: {
    post: operation({
      isOfOne: true,
      id: 'testWebhook',
      summary: 'Send a test event, whatever the state',
      answer: 'webhookTest',
    }),
  },
  [`${one}/secret`]: {
    post: operation({
      isOfOne: true,
      id: 'rotateWebhookSecret',
      summary: 'A new secret. Requests are also signed with the one before for a time',
      body: 'webhookRotation',
      answer: 'webhookWithSecret',
    }),
  },
};
