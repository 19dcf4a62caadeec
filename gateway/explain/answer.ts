import type { Response } from 'express';
import type { Explanation } from '../../protocol/explanation.ts';
import type { ProblemCode } from '../../protocol/problem-code.ts';
import { LogUnavailable } from '../../event-log/event-log.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { Problem } from '../http/problem.ts';
import { sendProblem } from '../http/respond.ts';
import { JournalUnavailable } from '../journal/journal.ts';

/** Concurrent explanations on a replica: each may read much of the log. */
const MOST_UNDER_WAY = 2;

/** Runs explanations, a few at a time, and answers. */
export class ExplanationAnswers {
  #underWay = 0;

  async send(response: Response, explain: () => Promise<Explanation>): Promise<void> {
    if (this.#underWay >= MOST_UNDER_WAY) return sendProblem(response, BUSY);
    this.#underWay += 1;
    try {
      const explanation = await explain();
      response.set('Cache-Control', 'no-store').json(explanation);
    } catch (error) {
      const problem = problemOf(error);
      if (problem === null) throw error;
      sendProblem(response, problem);
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** Null for an unexpected error. */
function problemOf(error: unknown): Problem | null {
  if (error instanceof LogUnavailable) return away('log_unavailable', 'The event log is out of reach: try again.');
  const isJournal = error instanceof JournalUnavailable;
  if (!isJournal && redisErrorCode(error) === 'UNKNOWN') return null;
  return away('journal_unavailable', 'The session journal or the group cannot be read now: try again.');
}

function away(code: ProblemCode, detail: string): Problem {
  return { status: 503, code, detail, headers: { 'Retry-After': '2' } };
}

export const TOO_MANY: Problem = {
  status: 429,
  code: 'too_many_explanations',
  detail: 'Ten explanations a minute are given to a user: ask later.',
  headers: { 'Retry-After': '30' },
};

const BUSY: Problem = {
  status: 429,
  code: 'too_many_explanations',
  detail: 'This replica looks through the log for others: ask again.',
  headers: { 'Retry-After': '2' },
};
