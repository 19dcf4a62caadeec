import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { newOwnWebhook, ownWebhookChange, ownWebhookRotation } from '../../protocol/own-webhook.ts';
import { OWN_WEBHOOKS_PATH } from '../../protocol/paths.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { judgeBearer, type BearerOptions } from '../auth/bearer.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import { takePoint, type Counter } from '../auth/limits/counters.ts';
import { cors } from '../http/cors.ts';
import type { Problem } from '../http/problem.ts';
import { readBody } from '../http/read-body.ts';
import { encodedBody, tooLargeBody } from '../http/refuse-unread.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import type { OwnWebhookManager } from './manage.ts';
import type { OwnWebhooks } from './own-webhooks.ts';
import type { OwnWebhook } from './record.ts';
import { DISABLED, invalidBody, tooOften, unavailable, UNKNOWN } from './refusals.ts';
import { showAttempts, showOwn, withoutNames } from './show-own.ts';

/** The webhooks, and the checks of a token. */
export interface OwnWebhookRouteOptions extends BearerOptions {
  readonly own: Pick<OwnWebhooks, 'of' | 'find' | 'running' | 'refresh' | 'deadLetters'>;
  readonly manager: OwnWebhookManager;
  /** Requests of an account, over all replicas, by what they cost. */
  readonly requests: Readonly<Record<'read' | 'change' | 'test', Pick<Counter, 'add' | 'see' | 'put' | 'drop'>>>;
}

const MOST_BODY_BYTES = 64 * 1_024;
const MINUTE_S = 60;
/** For each account and minute. */
const MOST = { read: 120, change: 30, test: 10 } as const;

type Answered = { readonly status?: number; readonly body?: object } | { readonly problem: Problem } | null;
interface Asked {
  readonly cost: keyof typeof MOST;
  readonly answer: (token: VerifiedToken, request: Request, options: OwnWebhookRouteOptions) => Promise<Answered>;
}

/**
 * `POST` and `GET` of the webhooks of the token's account; `GET`, `PATCH` and `DELETE` of one; `POST .../test` sends a
 * test event, `POST .../secret` makes a new secret. Null: the resource has no self-service.
 */
export function ownWebhookRouter(options: OwnWebhookRouteOptions | null, allowedOrigins: readonly string[]): Router {
  const router = Router({ strict: true });
  const of = (asked: Asked) => (request: Request, response: Response) =>
    options === null ? sendProblem(response, DISABLED) : respond(asked, { request, response, options });
  const [one, all] = [`${OWN_WEBHOOKS_PATH}/:id`, OWN_WEBHOOKS_PATH];
  router.all([all, one, `${one}/test`, `${one}/secret`], cors(allowedOrigins, 'GET, POST, PATCH, DELETE'));
  router
    .route(all)
    .get(of(LIST))
    .post(of(CREATE))
    .all(onlyMethods('GET', 'HEAD', 'POST', 'OPTIONS'));
  router
    .route(one)
    .get(of(SHOW))
    .patch(of(CHANGE))
    .delete(of(REMOVE))
    .all(onlyMethods('GET', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'));
  router.route(`${one}/test`).post(of(TEST)).all(onlyMethods('POST', 'OPTIONS'));
  router.route(`${one}/secret`).post(of(ROTATE)).all(onlyMethods('POST', 'OPTIONS'));
  return router;
}

const LIST: Asked = {
  cost: 'read',
  async answer({ grant: { account } }, _, { own }) {
    await own.refresh();
    return { body: { webhooks: own.of(account).map((webhook) => shown(webhook, own)) } };
  },
};

const SHOW: Asked = {
  cost: 'read',
  async answer({ grant: { account } }, request, { own }) {
    await own.refresh();
    const webhook = own.find({ account, id: idOf(request) });
    if (webhook === null) return { problem: UNKNOWN };
    const running = own.running(webhook.id)?.shown() ?? null;
    const attempts = running === null ? [] : showAttempts(running);
    return { body: { ...shown(webhook, own), dead_letters: await own.deadLetters(webhook), attempts } };
  },
};

const CREATE: Asked = {
  cost: 'change',
  async answer(token, request, { manager, own }) {
    const read = await readInto(request, newOwnWebhook);
    if (read === null || 'problem' in read) return read;
    const created = await manager.create(token, read.value);
    if ('problem' in created) return created;
    return { status: 201, body: { ...shown(created.webhook, own), secret: created.secret } };
  },
};

const CHANGE: Asked = {
  cost: 'change',
  async answer(token, request, { manager, own }) {
    const read = await readInto(request, ownWebhookChange);
    if (read === null || 'problem' in read) return read;
    const changed = await manager.change(token, idOf(request), read.value);
    return 'problem' in changed ? changed : { body: shown(changed.webhook, own) };
  },
};

const ROTATE: Asked = {
  cost: 'change',
  async answer(token, request, { manager, own }) {
    const read = await readInto(request, ownWebhookRotation);
    if (read === null || 'problem' in read) return read;
    const rotated = await manager.rotate(token, idOf(request), read.value.overlap_seconds * 1_000);
    return 'problem' in rotated ? rotated : { body: { ...shown(rotated.webhook, own), secret: rotated.secret } };
  },
};

const REMOVE: Asked = {
  cost: 'change',
  async answer(token, request, { manager }) {
    const removed = await manager.remove(token, idOf(request));
    return 'problem' in removed ? removed : { status: 204 };
  },
};

const TEST: Asked = {
  cost: 'test',
  async answer(token, request, { manager }) {
    const tested = await manager.test(token, idOf(request));
    return 'problem' in tested ? tested : { body: { ...tested, outcome: withoutNames(tested.outcome) } };
  },
};

async function respond(
  { cost, answer }: Asked,
  { request, response, options }: { request: Request; response: Response; options: OwnWebhookRouteOptions },
): Promise<void> {
  const judged = await judgeBearer(options, request);
  if ('problem' in judged) return sendProblem(response, judged.problem);
  const { token } = judged;
  const waitMs = await takePoint(options.requests[cost], token.grant.account, { points: MOST[cost], lastsS: MINUTE_S });
  if (waitMs > 0) return sendProblem(response, tooOften(waitMs));
  try {
    const answered = await answer(token, request, options);
    if (answered === null) return;
    if ('problem' in answered) return sendProblem(response, answered.problem);
    const { status = 200, body } = answered;
    response.status(status).set('Cache-Control', 'no-store');
    if (body === undefined) response.end();
    else response.json(body);
  } catch (error) {
    const code = redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    sendProblem(response, unavailable(code));
  }
}

/** Null: the client is gone. An empty body is an empty object. */
async function readInto<T>(
  request: Request,
  schema: z.ZodType<T>,
): Promise<{ readonly value: T } | { readonly problem: Problem } | null> {
  const encoded = encodedBody(request);
  if (encoded !== null) return { problem: encoded };
  const read = await readBody(request, MOST_BODY_BYTES);
  if (read.kind === 'gone') return null;
  if (read.kind === 'too_large') return { problem: tooLargeBody(MOST_BODY_BYTES) };
  let content: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(read.bytes);
    content = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    return { problem: { status: 400, code: 'not_json', detail: 'The body is not JSON in UTF-8.' } };
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return { value: parsed.data };
  const members = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return { problem: invalidBody(parsed.error, members) };
}

function idOf(request: Request): string {
  return String(request.params['id']);
}

function shown(webhook: OwnWebhook, own: OwnWebhookRouteOptions['own']) {
  return showOwn(webhook, own.running(webhook.id)?.shown() ?? null, Date.now());
}
