import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { DEAD_LETTERS_PATH } from '../../protocol/paths.ts';
import { ACCOUNT_ID } from '../../protocol/subscription/filters.ts';
import type { DeclaredGroup } from '../../event-log/provisioning/report-groups.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import {
  DEAD_LETTER_ID,
  listDeadLetters,
  redriveDeadLetter,
  showDeadLetter,
  type DeadLettersOf,
} from '../group/dead-letters.ts';
import type { Problem } from '../http/problem.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import { limitSchema } from './read-request.ts';

export interface DeadLetterRouteOptions {
  /** Null with the embedded log, which has no groups. */
  readonly deadLetters: Omit<DeadLettersOf, 'group' | 'declaredFor'> | null;
  /** The declared groups. */
  readonly groups: readonly DeclaredGroup[];
  /** The group of a self-service webhook; null when there is none with this id. */
  readonly ownGroup: (name: string) => DeclaredGroup | null;
}

const page = z.strictObject({
  limit: limitSchema,
  after: z.string().regex(DEAD_LETTER_ID).optional(),
  account: z.string().regex(ACCOUNT_ID).optional(),
});

/**
 * `GET <group>` lists, account by account and partition by partition, the oldest first; `GET <group>/<id>` shows one
 * with its event; `POST <group>/<id>/redrive` puts it back at the end of the log, once.
 */
export function deadLetterRouter(options: DeadLetterRouteOptions): Router {
  const router = Router();
  router
    .route(`${DEAD_LETTERS_PATH}/:group`)
    .get((request, response) => answer(request, response, options, list))
    .all(onlyMethods('GET', 'HEAD'));
  router
    .route(`${DEAD_LETTERS_PATH}/:group/:id`)
    .get((request, response) => answer(request, response, options, show))
    .all(onlyMethods('GET', 'HEAD'));
  router
    .route(`${DEAD_LETTERS_PATH}/:group/:id/redrive`)
    .post((request, response) => answer(request, response, options, redrive))
    .all(onlyMethods('POST'));
  return router;
}

type Answered = { readonly body: object } | { readonly problem: Problem };

async function answer(
  request: Request,
  response: Response,
  { deadLetters, groups, ownGroup }: DeadLetterRouteOptions,
  ask: (of: DeadLettersOf, request: Request) => Promise<Answered>,
): Promise<void> {
  const group = String(request.params['group']);
  if (deadLetters === null) return sendProblem(response, NEED_REDIS);
  const declared = groups.find(({ name }) => name === group) ?? ownGroup(group) ?? undefined;
  if (declared === undefined) return sendProblem(response, unknownGroup(groups.map(({ name }) => name)));
  let answered: Answered;
  try {
    answered = await ask({ ...deadLetters, group, declaredFor: declared.account }, request);
  } catch (error) {
    return sendProblem(response, unavailable(redisErrorCode(error)));
  }
  if ('problem' in answered) return sendProblem(response, answered.problem);
  response.set('Cache-Control', 'no-store').json(answered.body);
}

async function list(of: DeadLettersOf, request: Request): Promise<Answered> {
  const query = page.safeParse(request.query);
  if (!query.success) return { problem: INVALID_QUERY };
  const { limit, after, account } = query.data;
  const from = { ...(after !== undefined && { after }), ...(account !== undefined && { account }) };
  const letters = await listDeadLetters(of, { count: limit, ...from });
  return { body: { dead_letters: letters, next: letters.length < limit ? null : (letters.at(-1)?.id ?? null) } };
}

async function show(of: DeadLettersOf, request: Request): Promise<Answered> {
  const id = String(request.params['id']);
  const letter = await showDeadLetter(of, id);
  if (letter === null) return { problem: noSuchLetter(id) };
  const { data, metaLine, ...rest } = letter;
  return { body: { ...rest, metaLine, data: data.toString('utf8') } };
}

async function redrive(of: DeadLettersOf, request: Request): Promise<Answered> {
  const id = String(request.params['id']);
  const redriven = await redriveDeadLetter(of, id);
  return redriven === null ? { problem: noSuchLetter(id) } : { body: redriven };
}

const NEED_REDIS: Problem = {
  status: 501,
  code: 'groups_need_redis',
  detail: 'Durable consumer groups keep their dead letters in Redis: start the gateway with REDIS_URL.',
};

const INVALID_QUERY: Problem = {
  status: 400,
  code: 'invalid_query',
  detail: "The query takes limit, from 1 to 1000, account, and after, the 'next' of the page before.",
};

function noSuchLetter(id: string): Problem {
  const detail = `The group has no dead letter ${id.slice(0, 64)}: it never had, or it is back in the log already.`;
  return { status: 404, code: 'no_such_dead_letter', detail };
}

function unknownGroup(groups: readonly string[]): Problem {
  return { status: 404, code: 'unknown_group', detail: `The groups of this resource are: ${groups.join(', ')}.` };
}

function unavailable(reason: string): Problem {
  return {
    status: 503,
    code: 'dead_letters_unavailable',
    detail: `Redis is unavailable now (${reason}): try again.`,
    headers: { 'Retry-After': '2' },
  };
}
