import type { RequestHandler } from 'express';
import { z } from 'zod';
import { judgeBearer, type BearerOptions } from '../auth/bearer.ts';
import type { Counter } from '../auth/limits/counters.ts';
import type { Problem } from '../http/problem.ts';
import { sendProblem } from '../http/respond.ts';
import { TOO_MANY, type ExplanationAnswers } from './answer.ts';
import { explain, type ExplainerOptions } from './explainer.ts';
import { eventKeys, readEvent, type QuestionPlace } from './read-question.ts';

export interface OwnExplainOptions extends QuestionPlace, BearerOptions {
  readonly explainer: ExplainerOptions;
  readonly answers: ExplanationAnswers;
  /** Counts the questions of each user, over all replicas. */
  readonly questions: Pick<Counter, 'add'>;
}

const query = z.strictObject(eventKeys);
const MOST_A_MINUTE = 10;
const MINUTE_S = 60;

/**
 * `GET /ws/v1/firehose/explain?event=<id>`: why the sessions of the token's user got an event or not. For events that
 * the token does not show, the answer is that of an event that never existed (X3).
 */
export function ownExplainHandler(options: OwnExplainOptions): RequestHandler {
  return async (request, response) => {
    const judged = await judgeBearer(options, request);
    if ('problem' in judged) return sendProblem(response, judged.problem);
    const { grant, username } = judged.token;
    const asked = query.safeParse(request.query);
    if (!asked.success) return sendProblem(response, INVALID_QUESTION);
    const read = readEvent(asked.data, options);
    if ('problem' in read) return sendProblem(response, read.problem);
    const { count } = await options.questions.add(`${grant.account}/${username}`, 1, MINUTE_S);
    if (count > MOST_A_MINUTE) return sendProblem(response, TOO_MANY);
    const subject = { kind: 'user', account: grant.account, user: username } as const;
    return options.answers.send(response, () => explain(options.explainer, { ...read, subject, viewer: grant }));
  };
}

const INVALID_QUESTION: Problem = {
  status: 400,
  code: 'invalid_question',
  detail: 'The query takes event, the id of an event, and with it call_id, cursor, at (a time of RFC 3339) and group.',
};
