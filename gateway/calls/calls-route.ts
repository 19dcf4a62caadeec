import type { Request, RequestHandler, Response } from 'express';
import type { Call, CallRecord } from '../../protocol/call.ts';
import { timeOf } from '../../protocol/position.ts';
import { encodeServerFrame } from '../../protocol/server-frame.ts';
import type { Cursors } from '../../event-log/cursor-seal.ts';
import { INVALID_TOKEN, judgeBearer, type BearerOptions } from '../auth/bearer.ts';
import type { Grant, VerifiedToken } from '../auth/grant.ts';
import type { Redactor } from '../privacy/redactor.ts';
import type { Problem } from '../http/problem.ts';
import { sendProblem } from '../http/respond.ts';
import { CALLS_DISABLED, CALLS_UNAVAILABLE, type Calls } from './calls.ts';
import { within, type Turn } from './pace.ts';
import { CallsUnavailable, type SnapshotRecords } from './snapshot.ts';

export interface CallsRouteOptions extends BearerOptions {
  /** Null where the resource keeps no table of live calls. */
  readonly calls: Calls | null;
  /** The scope of one account of a grant, narrowed like a filter. */
  readonly narrow: (grant: Grant, account: string) => { ok: true; grant: Grant } | { ok: false; detail: string };
  readonly cursors: Pick<Cursors, 'seal'>;
  /** The privacy view of the token's client; null: everything. */
  readonly privacyOf: (token: VerifiedToken) => Redactor | null;
  /** Default 30,000. */
  readonly takeLimitMs?: number;
}

/** Most legs of one JSON document. */
const MOST_IN_JSON = 1_000;
const NDJSON = 'application/x-ndjson';
/** Calls written without a look at the clock: about a fifth of a millisecond. */
const AT_ONCE = 50;
/** A peer that does not accept written data within this time keeps the records in memory: it is cut off. */
const TAKE_LIMIT_MS = 30_000;
/** Limit of concurrent answers of an account on this replica. */
const MOST_UNDER_WAY = 16;

/**
 * `GET /ws/v1/firehose/calls`: the live calls of a token's scope, with the cursor at which the stream continues. JSON
 * for up to 1,000 calls; NDJSON for any number: the frames of a snapshot, one on each line.
 */
export function callsHandler(options: CallsRouteOptions): RequestHandler {
  const { takeLimitMs = TAKE_LIMIT_MS } = options;
  const underWay = new Map<string, number>();
  return async (request, response) => {
    const asked = await judge(options, request);
    if ('problem' in asked) return sendProblem(response, asked.problem);
    const { calls, grant, token } = asked;
    const { account } = grant;
    const others = underWay.get(account) ?? 0;
    if (others >= MOST_UNDER_WAY) return sendProblem(response, TOO_MANY_READS);
    underWay.set(account, others + 1);
    try {
      const { records, position } = await calls.take(grant, null);
      // Reading the table took time, so the token is checked again.
      if (!options.mayStay(token)) return sendProblem(response, INVALID_TOKEN);
      const cursor = options.cursors.seal(position);
      const view = () => {
        if (!options.mayStay(token)) return null;
        const shown = calls.shown(grant);
        const privacy = options.privacyOf(token);
        const at = timeOf(position);
        const hide = (call: Call) => (privacy === null ? call : privacy.call(call, at));
        return (some: readonly CallRecord[]) => some.flatMap((record) => shown(record) ?? []).map(hide);
      };
      const answer: Answer = { turn: calls.turn, view, records, cursor };
      response.set('Cache-Control', 'no-store');
      if (wantsLines(request)) return await sendLines(response, answer, takeLimitMs);
      if (records.length > MOST_IN_JSON) return sendProblem(response, TOO_MANY);
      return await sendJson(response, answer);
    } catch (error) {
      if (!(error instanceof CallsUnavailable)) throw error;
      return sendProblem(response, CALLS_UNAVAILABLE);
    } finally {
      const left = (underWay.get(account) ?? 1) - 1;
      if (left > 0) underWay.set(account, left);
      else underWay.delete(account);
    }
  };
}

async function judge(
  { calls, narrow, ...bearer }: CallsRouteOptions,
  request: Request,
): Promise<
  { readonly problem: Problem } | { readonly calls: Calls; readonly grant: Grant; readonly token: VerifiedToken }
> {
  if (calls === null) return { problem: { status: 404, ...CALLS_DISABLED } };
  const judged = await judgeBearer(bearer, request);
  if ('problem' in judged) return judged;
  const { token } = judged;
  const { account } = request.query;
  const narrowed = account === undefined ? null : narrow(token.grant, typeof account === 'string' ? account : '');
  if (narrowed?.ok === false) {
    return { problem: { status: 403, code: 'foreign_account', detail: narrowed.detail, field: 'account' } };
  }
  const grant = narrowed?.grant ?? token.grant;
  const problem = calls.judge(grant);
  return problem === null ? { calls, grant, token } : { problem };
}

function wantsLines(request: Request): boolean {
  return request.accepts(['application/json', NDJSON]) === NDJSON;
}

interface Answer {
  readonly turn: Turn;
  /** What the token shows of records now; null when it may no longer be used. */
  readonly view: () => ((some: readonly CallRecord[]) => readonly Call[]) | null;
  readonly records: SnapshotRecords;
  readonly cursor: string;
}

/** Yields the calls in chunks, each in the answer's turn. What the token shows is checked again for each chunk. */
async function* inTurns(response: Response, { turn, view, records }: Answer): AsyncGenerator<readonly Call[]> {
  const left = Iterator.from(records);
  for (;;) {
    const until = (await turn()) + performance.now();
    const shown = view();
    if (shown === null) response.destroy();
    if (shown === null || response.destroyed) return;
    do {
      const some = nextOf(left, AT_ONCE);
      if (some.length === 0) return;
      yield shown(some);
    } while (performance.now() < until);
  }
}

function nextOf<T>(left: Iterator<T>, most: number): T[] {
  const some: T[] = [];
  for (let one = left.next(); one.done !== true; one = left.next()) {
    some.push(one.value);
    if (some.length === most) break;
  }
  return some;
}

async function sendJson(response: Response, answer: Answer): Promise<void> {
  const as_of = now();
  const parts: string[] = [];
  for await (const some of inTurns(response, answer)) parts.push(...some.map((call) => JSON.stringify(call)));
  if (response.destroyed) return;
  const { cursor } = answer;
  const [begin, end] = [JSON.stringify({ cursor, as_of }).slice(0, -1), JSON.stringify({ next: null }).slice(1)];
  response.type('application/json').send(`${begin},"calls":[${parts.join(',')}],${end}`);
}

async function sendLines(response: Response, answer: Answer, takeLimitMs: number): Promise<void> {
  const { cursor } = answer;
  let written = 0;
  response.type(NDJSON);
  response.write(line({ type: 'snapshot_begin', cursor, as_of: now(), reason: 'asked' }));
  for await (const some of inTurns(response, answer)) {
    const isTaken = response.write(some.map((call) => line({ type: 'call', call })).join(''));
    written += some.length;
    if (!isTaken && !(await within(takeLimitMs, (done) => drained(response, done)))) response.destroy();
  }
  if (!response.destroyed) response.end(line({ type: 'snapshot_end', cursor, calls: written }));
}

function line(frame: Parameters<typeof encodeServerFrame>[0]): string {
  return `${encodeServerFrame(frame)}\n`;
}

/** Calls back once the peer has read, or is gone. */
function drained(response: Response, callback: () => void): void {
  const done = () => {
    response.off('drain', done).off('close', done);
    callback();
  };
  response.on('drain', done).on('close', done);
}

function now(): string {
  return new Date().toISOString();
}

const TOO_MANY: Problem = {
  status: 413,
  code: 'too_many_calls',
  detail: `More than ${MOST_IN_JSON} calls are live: ask for one account with ?account=, or with Accept: ${NDJSON}.`,
};

const TOO_MANY_READS: Problem = {
  status: 429,
  code: 'too_many_reads',
  detail: `${MOST_UNDER_WAY} answers with the live calls of this account are under way: read them first.`,
  headers: { 'Retry-After': '2' },
};
