import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { LogUnavailable } from '../../event-log/event-log.ts';
import type { LogWindow } from '../../event-log/log-window.ts';
import { WEBHOOKS_PATH } from '../../protocol/paths.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { Problem } from '../http/problem.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import { judgeStart } from '../session/judge-start.ts';
import { planReplay } from '../session/plan-replay.ts';
import type { ReplayRange, Replays } from '../webhook/replay.ts';
import type { ShownWebhook } from '../webhook/show.ts';
import { readJson } from './read-request.ts';

/** A webhook as administrators use it. */
interface AdministeredWebhook {
  readonly name: string;
  readonly replays: Pick<Replays, 'begin' | 'stop' | 'report'>;
  shown(): ShownWebhook;
  enable(): Promise<void>;
  test(): Promise<object>;
}

export interface WebhookRouteOptions {
  /** Of this replica; null with the embedded log. */
  readonly webhooks: { readonly all: readonly AdministeredWebhook[] } | null;
  readonly window: Pick<LogWindow, 'state' | 'cursors'>;
}

type Answered = { readonly status?: number; readonly body: object } | { readonly problem: Problem } | null;
type Asked = (webhook: AdministeredWebhook, request: Request, options: WebhookRouteOptions) => Promise<Answered>;

/**
 * `GET` lists the webhooks as this replica knows them; `GET <group>` shows one with its last requests; `POST
 * <group>/enable` switches it on for all replicas; `POST <group>/test` sends a test event and says what came of it; `POST
 * <group>/replay` sends a range of the log again, `POST <group>/replay/stop` ends that.
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
    .get((request, response) => answer(request, response, options, show))
    .all(onlyMethods('GET', 'HEAD'));
  for (const [path, ask] of Object.entries({ enable, test, replay, 'replay/stop': stopReplay })) {
    router
      .route(`${WEBHOOKS_PATH}/:group/${path}`)
      .post((request, response) => answer(request, response, options, ask))
      .all(onlyMethods('POST'));
  }
  return router;
}

const show: Asked = (webhook) => Promise.resolve({ body: webhook.shown() });
const test: Asked = async (webhook) => ({ body: await webhook.test() });

const enable: Asked = async (webhook) => {
  await webhook.enable();
  return { body: withoutAttempts(webhook.shown()) };
};

const stopReplay: Asked = async (webhook) => {
  await webhook.replays.stop();
  return { body: { replay: webhook.replays.report } };
};

const range = z.partialRecord(z.enum(['cursor', 'from', 'to']), z.string().max(4_096));
const RANGE_FORM = 'The body is {"from" or "cursor", "to"}, as of a replay of the stream; without "to" it ends now.';

const replay: Asked = async ({ replays }, request, { window }) => {
  const read = await readJson(request, range, RANGE_FORM);
  if (read.kind === 'gone') return null;
  if (read.kind === 'refused') return { problem: read.problem };
  const judged = await judgeRange(new URLSearchParams(Object.entries(read.value)), window);
  if ('problem' in judged) return judged;
  return replays.begin(judged) ? { status: 202, body: { replay: replays.report } } : { problem: REPLAY_RUNNING };
};

/** By the rules of the stream. Rejects with LogUnavailable. */
async function judgeRange(
  asked: URLSearchParams,
  window: WebhookRouteOptions['window'],
): Promise<ReplayRange | { readonly problem: Problem }> {
  const planned = planReplay(asked, Date.now(), true);
  if ('problem' in planned) return planned;
  const { start } = planned.replay;
  if (start.kind === 'live') return { problem: { status: 400, code: 'invalid_request', detail: RANGE_FORM } };
  const state = await window.state(0);
  const verdict = judgeStart({ ...planned.replay, start }, { state, cursors: window.cursors });
  if ('problem' in verdict) return verdict;
  if ('lost' in verdict) throw new Error('unreachable: a replay asks for no snapshot');
  const { from, until, gap } = verdict.start;
  return { from: from.ids, until: until ?? state.newest, gap: gap?.reason ?? null };
}

function withoutAttempts(shown: ShownWebhook): object {
  return { ...shown, attempts: undefined };
}

async function answer(request: Request, response: Response, options: WebhookRouteOptions, ask: Asked): Promise<void> {
  const all = options.webhooks?.all ?? [];
  const webhook = all.find(({ name }) => name === request.params['group']);
  if (webhook === undefined) return sendProblem(response, noSuchWebhook(all.map(({ name }) => name)));
  try {
    const answered = await ask(webhook, request, options);
    if (answered === null) return;
    if ('problem' in answered) return sendProblem(response, answered.problem);
    response
      .status(answered.status ?? 200)
      .set('Cache-Control', 'no-store')
      .json(answered.body);
  } catch (error) {
    const code = error instanceof LogUnavailable ? error.code : redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    sendProblem(response, unavailable(code));
  }
}

const REPLAY_RUNNING: Problem = {
  status: 409,
  code: 'replay_running',
  detail: 'A replay of this webhook is under way on this replica: wait for its end, or stop it.',
};

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
