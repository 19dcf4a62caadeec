import { Router, type Request, type Response } from 'express';
import { WEBHOOKS_PATH } from '../../protocol/paths.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { Problem } from '../http/problem.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import type { ShownWebhook } from '../webhook/show.ts';

/** A webhook as administrators use it. */
interface AdministeredWebhook {
  readonly name: string;
  shown(): ShownWebhook;
  enable(): Promise<void>;
  test(): Promise<object>;
}

export interface WebhookRouteOptions {
  /** Of this replica; null with the embedded log. */
  readonly webhooks: { readonly all: readonly AdministeredWebhook[] } | null;
}

/**
 * `GET` lists the webhooks as this replica knows them; `GET <group>` shows one with its last requests; `POST
 * <group>/enable` switches it on for all replicas; `POST <group>/test` sends a test event and says what came of it.
 */
export function webhookRouter(options: WebhookRouteOptions): Router {
  const router = Router();
  router
    .route(WEBHOOKS_PATH)
    .get((_, response) => {
      const all = (options.webhooks?.all ?? []).map((webhook) => withoutAttempts(webhook.shown()));
      response.set('Cache-Control', 'no-store').json({ webhooks: all });
    })
    .all(onlyMethods('GET', 'HEAD'));
  router
    .route(`${WEBHOOKS_PATH}/:group`)
    .get((request, response) => answer(request, response, options, (webhook) => Promise.resolve(webhook.shown())))
    .all(onlyMethods('GET', 'HEAD'));
  router
    .route(`${WEBHOOKS_PATH}/:group/enable`)
    .post((request, response) => answer(request, response, options, enable))
    .all(onlyMethods('POST'));
  router
    .route(`${WEBHOOKS_PATH}/:group/test`)
    .post((request, response) => answer(request, response, options, (webhook) => webhook.test()))
    .all(onlyMethods('POST'));
  return router;
}

function withoutAttempts(shown: ShownWebhook): object {
  return { ...shown, attempts: undefined };
}

async function enable(webhook: AdministeredWebhook): Promise<object> {
  await webhook.enable();
  return withoutAttempts(webhook.shown());
}

async function answer(
  request: Request,
  response: Response,
  { webhooks }: WebhookRouteOptions,
  ask: (webhook: AdministeredWebhook) => Promise<object>,
): Promise<void> {
  const all = webhooks?.all ?? [];
  const webhook = all.find(({ name }) => name === request.params['group']);
  if (webhook === undefined) return sendProblem(response, noSuchWebhook(all.map(({ name }) => name)));
  try {
    response.set('Cache-Control', 'no-store').json(await ask(webhook));
  } catch (error) {
    const code = redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    sendProblem(response, unavailable(code));
  }
}

function noSuchWebhook(names: readonly string[]): Problem {
  const has = names.length === 0 ? 'no group has one' : `these have one: ${names.join(', ')}`;
  return { status: 404, code: 'no_such_webhook', detail: `The group has no webhook; of this resource ${has}.` };
}

function unavailable(reason: string): Problem {
  return {
    status: 503,
    code: 'webhooks_unavailable',
    detail: `Redis is unavailable now (${reason}): try again.`,
    headers: { 'Retry-After': '2' },
  };
}
