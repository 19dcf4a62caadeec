import type { Request, RequestHandler, Response } from 'express';
import { callOf, type Call, type CallRecord } from '../../protocol/call.ts';
import { timeOf } from '../../protocol/position.ts';
import { encodeServerFrame } from '../../protocol/server-frame.ts';
import type { Cursors } from '../../event-log/cursor-seal.ts';
import type { Grant, VerifiedToken } from '../auth/grant.ts';
import type { Redactor } from '../privacy/redactor.ts';
import type { Problem } from '../http/problem.ts';
import { sendProblem } from '../http/respond.ts';
import { CALLS_DISABLED, CALLS_UNAVAILABLE, type Calls } from './calls.ts';
import { CallsUnavailable } from './snapshot.ts';

type TokenOutcome =
  | { readonly kind: 'valid'; readonly token: VerifiedToken }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'unavailable' };

export interface CallsRouteOptions {
  /** Null where the resource keeps no table of live calls. */
  readonly calls: Calls | null;
  readonly verifyToken: (token: string) => Promise<TokenOutcome>;
  /** False until the list of revocations is known. */
  readonly isRevocationKnown: () => boolean;
  /** The scope of one account of a grant, as a filter would narrow it. */
  readonly narrow: (grant: Grant, account: string) => { ok: true; grant: Grant } | { ok: false; detail: string };
  readonly cursors: Pick<Cursors, 'seal'>;
  /** Whether a token that was verified may still be used. */
  readonly mayStay: (token: VerifiedToken) => boolean;
  /** What the client of such a token sees of personal data; null: everything. */
  readonly privacyOf: (token: VerifiedToken) => Redactor | null;
}

/** Legs of one JSON document. */
const MOST_IN_JSON = 1_000;
const NDJSON = 'application/x-ndjson';
/** Lines that are written before the socket is looked at again. */
const LINES = 100;

/**
 * `GET /ws/v1/firehose/calls`: the live calls of a token's scope, with the cursor from which the stream goes on. As JSON up
 * to 1,000 of them, as NDJSON any number: the frames of a snapshot, one a line.
 */
export function callsHandler(options: CallsRouteOptions): RequestHandler {
  return async (request, response) => {
    const asked = await judge(options, request);
    if ('problem' in asked) return sendProblem(response, asked.problem);
    const { calls, grant, token } = asked;
    try {
      const snapshot = await calls.take(grant, null);
      const { includes } = calls.wanted(grant);
      const records = snapshot.records.filter((record) => includes(record.account_id));
      // Reading the table took time.
      if (!options.mayStay(token)) return sendProblem(response, INVALID_TOKEN);
      const { cursors } = options;
      const privacy = options.privacyOf(token);
      const at = timeOf(snapshot.position);
      const shown = (record: CallRecord) => (privacy === null ? callOf(record) : privacy.call(callOf(record), at));
      const answer = { shown, records, cursor: cursors.seal(snapshot.position) };
      response.set('Cache-Control', 'no-store');
      if (wantsLines(request)) return await sendLines(response, answer);
      if (records.length > MOST_IN_JSON) return sendProblem(response, TOO_MANY);
      const body = { cursor: answer.cursor, as_of: now(), calls: records.map(shown), next: null };
      return void response.json(body);
    } catch (error) {
      if (!(error instanceof CallsUnavailable)) throw error;
      return sendProblem(response, CALLS_UNAVAILABLE);
    }
  };
}

async function judge(
  { calls, verifyToken, isRevocationKnown, narrow }: CallsRouteOptions,
  request: Request,
): Promise<
  { readonly problem: Problem } | { readonly calls: Calls; readonly grant: Grant; readonly token: VerifiedToken }
> {
  if (calls === null) return { problem: { status: 404, ...CALLS_DISABLED } };
  const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  const outcome = token === undefined ? ({ kind: 'invalid' } as const) : await verifyToken(token);
  if (outcome.kind === 'unavailable' || !isRevocationKnown()) return { problem: GRANT_UNAVAILABLE };
  if (outcome.kind === 'invalid') return { problem: INVALID_TOKEN };
  const { account } = request.query;
  const narrowed =
    account === undefined ? null : narrow(outcome.token.grant, typeof account === 'string' ? account : '');
  if (narrowed?.ok === false) {
    return { problem: { status: 403, code: 'foreign_account', detail: narrowed.detail, field: 'account' } };
  }
  const grant = narrowed?.grant ?? outcome.token.grant;
  const problem = calls.judge(grant);
  return problem === null ? { calls, grant, token: outcome.token } : { problem };
}

function wantsLines(request: Request): boolean {
  return request.accepts(['application/json', NDJSON]) === NDJSON;
}

interface Answer {
  readonly shown: (record: CallRecord) => Call;
  readonly records: readonly CallRecord[];
  readonly cursor: string;
}

async function sendLines(response: Response, { shown, records, cursor }: Answer): Promise<void> {
  response.type(NDJSON);
  response.write(line({ type: 'snapshot_begin', cursor, as_of: now(), reason: 'asked' }));
  for (let at = 0; at < records.length && !response.destroyed; at += LINES) {
    const lines = records.slice(at, at + LINES).map((record) => line({ type: 'call', call: shown(record) }));
    if (!response.write(lines.join(''))) await drained(response);
  }
  response.end(line({ type: 'snapshot_end', cursor, calls: records.length }));
}

function line(frame: Parameters<typeof encodeServerFrame>[0]): string {
  return `${encodeServerFrame(frame)}\n`;
}

/** Until the peer has read, or is gone. */
function drained(response: Response): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

function now(): string {
  return new Date().toISOString();
}

const INVALID_TOKEN: Problem = {
  status: 401,
  code: 'invalid_token',
  detail: 'The token is missing, not valid or expired: log in again.',
  headers: { 'WWW-Authenticate': 'Bearer realm="firehose", error="invalid_token"' },
};

const GRANT_UNAVAILABLE: Problem = {
  status: 503,
  code: 'grant_unavailable',
  detail: 'The grant of this token cannot be read now: try again.',
  headers: { 'Retry-After': '2' },
};

const TOO_MANY: Problem = {
  status: 413,
  code: 'too_many_calls',
  detail: `More than ${MOST_IN_JSON} calls are live: ask for one account with ?account=, or with Accept: ${NDJSON}.`,
};
