import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { LogUnavailable } from '../../event-log/event-log.ts';
import type { LogWindow } from '../../event-log/log-window.ts';
import { isOwnWebhook } from '../../protocol/own-webhook.ts';
import { SINKS_PATH, WEBHOOKS_PATH } from '../../protocol/paths.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { Backlog } from '../group/backlog.ts';
import type { Problem } from '../http/problem.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import { judgeStart } from '../session/judge-start.ts';
import { planReplay } from '../session/plan-replay.ts';
import type { ReplayRange, Replays } from '../sender/replay.ts';
import type { ShownSender } from '../sender/show.ts';
import type { Administered, OwnWebhookAdministration } from '../self-service/administer.ts';
import { readJson } from './read-request.ts';

/** A sender as administrators use it. */
interface AdministeredSender {
  readonly name: string;
  readonly replays: Pick<Replays, 'begin' | 'stop' | 'report'>;
  shown(): ShownSender;
  enable(): Promise<void>;
  test(): Promise<object>;
}

interface AdministeredSenders {
  readonly all: readonly AdministeredSender[];
}

export interface SenderRouteOptions {
  /** Of this replica; null with the embedded log. */
  readonly webhooks: AdministeredSenders | null;
  readonly sinks: AdministeredSenders | null;
  /** Of the webhooks that logins created; null where the resource has no self-service. */
  readonly ownWebhooks: OwnWebhookAdministration | null;
  /** Of the declared groups, by their names. */
  readonly backlog: () => ReadonlyMap<string, Backlog>;
  readonly window: Pick<LogWindow, 'state' | 'cursors'>;
}

type Answered = { readonly status?: number; readonly body: object } | { readonly problem: Problem } | null;
type Asked = (sender: AdministeredSender, request: Request, options: SenderRouteOptions) => Promise<Answered>;

/** One kind of sender, with a path of its own. */
interface Kind {
  /** Also the key of the list. */
  readonly name: 'webhooks' | 'sinks';
  readonly path: string;
  readonly actions: Readonly<Record<string, Asked>>;
  readonly unknown: (names: readonly string[]) => Problem;
  readonly unavailable: 'webhooks_unavailable' | 'sinks_unavailable';
}

/**
 * The same routes for webhooks and for NATS sinks; only webhooks can be off, and have `enable`. `GET` lists them as this
 * replica knows them; `GET <group>` shows one with its last requests; `POST <group>/enable` switches it on for all
 * replicas; `POST <group>/test` sends a test event and says what came of it; `POST <group>/replay` sends a range of the
 * log again, `POST <group>/replay/stop` ends that. A webhook that a login created is among them by its id, and has
 * `POST <id>/disable` and `POST <id>/delete` as well.
 */
export function senderRouter(options: SenderRouteOptions): Router {
  const router = Router();
  for (const kind of [WEBHOOKS, SINKS]) addKind(router, kind, options);
  return router;
}

function addKind(router: Router, kind: Kind, options: SenderRouteOptions): void {
  const { name, path, actions } = kind;
  router
    .route(path)
    .get((_, response) => {
      const all = (options[name]?.all ?? []).map((sender) => listed(sender, options));
      response.set('Cache-Control', 'no-store').json({ [name]: all });
    })
    .all(onlyMethods('GET', 'HEAD'));
  router
    .route(`${path}/:group`)
    .get((request, response) => answer(request, response, options, { kind, ask: show }))
    .all(onlyMethods('GET', 'HEAD'));
  for (const [action, ask] of Object.entries(actions)) {
    router
      .route(`${path}/:group/${action}`)
      .post((request, response) => answer(request, response, options, { kind, ask }))
      .all(onlyMethods('POST'));
  }
}

const show: Asked = (sender, _, options) => Promise.resolve({ body: whole(sender, options) });
const test: Asked = async (sender) => ({ body: await sender.test() });

const enable: Asked = async (sender, _, options) => {
  const allowed = (await options.ownWebhooks?.allow(sender.name)) ?? 'done';
  if (allowed === 'busy') return { problem: BUSY };
  await sender.enable();
  return { body: listed(sender, options) };
};

/** For webhooks that logins created; what a resource declares is changed there. */
const onOwn =
  (
    change: (of: OwnWebhookAdministration, id: string) => Promise<Administered>,
    body: (sender: AdministeredSender, options: SenderRouteOptions) => object,
  ): Asked =>
  async (sender, _, options) => {
    const { ownWebhooks } = options;
    if (ownWebhooks === null || ownWebhooks.about(sender.name) === null) return { problem: DECLARED };
    const done = await change(ownWebhooks, sender.name);
    if (done === 'busy') return { problem: BUSY };
    return done === 'gone' ? { problem: noSuchWebhook([]) } : { body: body(sender, options) };
  };
const disable = onOwn((own, id) => own.disable(id), listed);
const remove = onOwn(
  (own, id) => own.remove(id),
  ({ name }) => ({ deleted: name }),
);

const stopReplay: Asked = async (sender) => {
  await sender.replays.stop();
  return { body: { replay: sender.replays.report } };
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
  window: SenderRouteOptions['window'],
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

/** `self_service`: of a webhook that a login created; null for a declared one. */
function whole(sender: AdministeredSender, { ownWebhooks, backlog }: SenderRouteOptions) {
  const waiting = backlog().get(sender.name) ?? ownWebhooks?.backlogOf(sender.name) ?? null;
  return {
    ...sender.shown(),
    lag: waiting?.lag ?? null,
    pending: waiting?.pending ?? null,
    dead_letters: waiting?.deadLetters ?? null,
    self_service: ownWebhooks?.about(sender.name) ?? null,
  };
}

function listed(sender: AdministeredSender, options: SenderRouteOptions): object {
  return { ...whole(sender, options), attempts: undefined };
}

async function answer(
  request: Request,
  response: Response,
  options: SenderRouteOptions,
  { kind, ask }: { readonly kind: Kind; readonly ask: Asked },
): Promise<void> {
  try {
    const sender = await find(kind, String(request.params['group']), options);
    if ('problem' in sender) return sendProblem(response, sender.problem);
    const answered = await ask(sender, request, options);
    if (answered === null) return;
    if ('problem' in answered) return sendProblem(response, answered.problem);
    response
      .status(answered.status ?? 200)
      .set('Cache-Control', 'no-store')
      .json(answered.body);
  } catch (error) {
    const code = error instanceof LogUnavailable ? error.code : redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    sendProblem(response, unavailable(kind, code));
  }
}

/** A webhook that a login created at another replica a moment ago is found, too. */
async function find(
  { name: kind, unknown }: Kind,
  group: string,
  options: SenderRouteOptions,
): Promise<AdministeredSender | { readonly problem: Problem }> {
  if (kind === 'webhooks' && isOwnWebhook(group)) await options.ownWebhooks?.refresh();
  const all = options[kind]?.all ?? [];
  return all.find(({ name }) => name === group) ?? { problem: unknown(all.map(({ name }) => name)) };
}

const REPLAY_RUNNING: Problem = {
  status: 409,
  code: 'replay_running',
  detail: 'A replay of this group is under way on this replica: wait for its end, or stop it.',
};

const DECLARED: Problem = {
  status: 409,
  code: 'webhook_is_declared',
  detail: 'The resource declares this webhook: change or remove consumerGroups[].webhook there.',
};

const BUSY: Problem = {
  status: 503,
  code: 'webhooks_unavailable',
  detail: 'Others are changing this webhook now: try again.',
  headers: { 'Retry-After': '2' },
};

const of = (names: readonly string[]) =>
  names.length === 0 ? 'no group has one' : `these have one: ${names.join(', ')}`;

function noSuchWebhook(names: readonly string[]): Problem {
  return { status: 404, code: 'no_such_webhook', detail: `The group has no webhook; of this resource ${of(names)}.` };
}

function noSuchSink(names: readonly string[]): Problem {
  return { status: 404, code: 'no_such_sink', detail: `The group has no sink; of this resource ${of(names)}.` };
}

function unavailable({ unavailable: code }: Kind, reason: string): Problem {
  return {
    status: 503,
    code,
    detail: `Redis is unavailable now (${reason}): try again.`,
    headers: { 'Retry-After': '2' },
  };
}

const WEBHOOKS: Kind = {
  name: 'webhooks',
  path: WEBHOOKS_PATH,
  actions: { enable, disable, delete: remove, test, replay, 'replay/stop': stopReplay },
  unknown: noSuchWebhook,
  unavailable: 'webhooks_unavailable',
};
const SINKS: Kind = {
  name: 'sinks',
  path: SINKS_PATH,
  actions: { test, replay, 'replay/stop': stopReplay },
  unknown: noSuchSink,
  unavailable: 'sinks_unavailable',
};
