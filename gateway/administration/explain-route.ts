import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { EXPLAIN_EVENT_PATH } from '../../protocol/paths.ts';
import { ACCOUNT_ID } from '../../protocol/subscription/filters.ts';
import type { Directory } from '../directory/directory.ts';
import type { ExplanationAnswers } from '../explain/answer.ts';
import { explain, type ExplainerOptions, type Subject } from '../explain/explainer.ts';
import { eventKeys, readEvent, type QuestionPlace, type ReadEvent } from '../explain/read-question.ts';
import type { Problem } from '../http/problem.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';

export interface ExplainRouteOptions {
  readonly directory: () => Directory;
  readonly explanations: {
    readonly explainer: ExplainerOptions;
    readonly answers: ExplanationAnswers;
    readonly place: QuestionPlace;
  };
}

const text = z.string().min(1).max(1_024);
const query = z.strictObject({
  ...eventKeys,
  session: text.optional(),
  token_id: text.optional(),
  user: text.optional(),
  domain: text.optional(),
  account: z.string().regex(ACCOUNT_ID).optional(),
});
type Asked = z.output<typeof query>;

/** `GET` says why a session, a user, a token or a durable group got an event or not. */
export function explainRouter(options: ExplainRouteOptions): Router {
  const router = Router();
  router
    .route(EXPLAIN_EVENT_PATH)
    .get((request, response) => answer(request, response, options))
    .all(onlyMethods('GET', 'HEAD'));
  return router;
}

async function answer(
  request: Request,
  response: Response,
  { directory, explanations }: ExplainRouteOptions,
): Promise<void> {
  const { explainer, answers, place } = explanations;
  const asked = query.safeParse(request.query);
  if (!asked.success) return sendProblem(response, INVALID_QUERY);
  const read = readEvent(asked.data, place);
  if ('problem' in read) return sendProblem(response, read.problem);
  const chosen = subjectOf(asked.data, read, directory());
  if ('problem' in chosen) return sendProblem(response, chosen.problem);
  await answers.send(response, () => explain(explainer, { ...read, subject: chosen.subject, viewer: null }));
}

/** Exactly one of a session, a token, a user of an account, and a group of an account. */
function subjectOf(
  { session, token_id: token, user, domain, account }: Asked,
  { group }: ReadEvent,
  directory: Directory,
): { readonly subject: Subject } | { readonly problem: Problem } {
  const hasAccount = domain !== undefined || account !== undefined;
  const named = [session, token, user ?? (group !== null && hasAccount ? 'group' : undefined)];
  const isOne = named.filter((one) => one !== undefined).length === 1;
  const isTwice = domain !== undefined && account !== undefined;
  if (!isOne || isTwice || (user !== undefined) > hasAccount || (user === undefined && group === null && hasAccount)) {
    return { problem: INVALID_QUERY };
  }
  if (session !== undefined) return { subject: { kind: 'session', session } };
  if (token !== undefined) return { subject: { kind: 'token', token } };
  const found = domain === undefined ? directory.accounts.get(account ?? '') : directory.accountByDomain(domain);
  if (found === undefined) return { problem: NOT_IN_DIRECTORY };
  return {
    subject: user === undefined ? { kind: 'group', account: found.id } : { kind: 'user', account: found.id, user },
  };
}

const INVALID_QUERY: Problem = {
  status: 400,
  code: 'invalid_query',
  detail:
    'The query takes event, with it call_id, cursor and at (a time of RFC 3339), and one of session, token_id, user with domain or account, and group with domain or account.',
};

const NOT_IN_DIRECTORY: Problem = {
  status: 404,
  code: 'not_in_directory',
  detail: 'The directory of this replica has no such account.',
};
