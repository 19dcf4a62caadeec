import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Problem } from '../http/problem.ts';
import type { AppendOutcome, EventLog, NewEvent } from '../../event-log/event-log.ts';
import type { AccountVerdict } from './judge-account.ts';
import { readBatch } from './read-batch.ts';
import { readEvent, readWrapped, type Beside, type EventVerdict } from '../../event-log/intake/read-event.ts';

type IngestStatus = 'accepted' | 'duplicate' | 'dropped' | 'rejected' | 'failed';

/** The outcome of one element. */
interface IngestedEvent {
  /** Its place in the request, from 0; blank lines do not count. */
  readonly index: number;
  readonly status: IngestStatus;
  /** Id of the event, given or derived; absent when it was dropped or rejected. */
  readonly id?: string;
  /** `<partition>:<entry id>`; for a duplicate, that of the first one. */
  readonly position?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly field?: string;
  /** The end of a leg that already has a synthetic end, at `position`. */
  readonly late?: true;
  /** `unknown_account`: it is in the log, but is not delivered while the directory lacks its account. */
  readonly warning?: 'unknown_account';
}

/** The answer to a batch: a summary in one sentence, the sums, and one line for each element. */
export type IngestAnswer = { readonly summary: string } & Readonly<Record<IngestStatus, number>> & {
    readonly events: readonly IngestedEvent[];
  };

type IngestResult =
  /**
   * 207 when some were rejected: see `events`. 503 when some failed, because the log is unavailable: sending the same
   * body again is safe.
   */
  | { readonly kind: 'answered'; readonly status: 200 | 207 | 503; readonly answer: IngestAnswer }
  /** The body as a whole cannot be read; nothing was appended. */
  | { readonly kind: 'unreadable'; readonly problem: Problem };

interface IngestOptions {
  readonly contentType: string;
  /** For a batch of one event, like the other two; an empty value counts as absent. */
  readonly account?: string | undefined;
  readonly eventId?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** Never rejects, and no event is accepted before the log has it. */
export type Ingest = (body: Buffer, options: IngestOptions) => Promise<IngestResult>;

/** Elements that are judged before other work gets its turn: 10,000 at once would delay the delivery of events. */
const ELEMENTS_A_TURN = 50;

export interface IngestParts {
  readonly eventLog: Pick<EventLog, 'append'>;
  /** Whether events of an account may be written here. */
  readonly judgeAccount: (account: string) => AccountVerdict;
}

export function createIngest({ eventLog, judgeAccount }: IngestParts): Ingest {
  return async (body, options) => {
    const batch = readBatch(body, options.contentType);
    if (batch.kind === 'unreadable') return { kind: 'unreadable', problem: batch };
    const { elements, wrapped } = batch;
    // A traceparent of a batch of several events is ignored: HTTP clients add one by themselves.
    if (elements.length > 1 && (options.account || options.eventId)) return { kind: 'unreadable', problem: ONE_ALONE };
    const headers = elements.length === 1 ? besideOf(options) : {};
    const verdicts: Verdict[] = [];
    for (const element of elements) {
      if (verdicts.length > 0 && verdicts.length % ELEMENTS_A_TURN === 0) await nextTurn();
      const verdict = wrapped ? readWrapped(element, headers) : readEvent(element, headers);
      verdicts.push(withinScope(verdict, judgeAccount));
    }
    const answer = await append(eventLog, verdicts);
    return { kind: 'answered', status: answer.failed > 0 ? 503 : answer.rejected > 0 ? 207 : 200, answer };
  };
}

interface Forwarded {
  readonly kind: 'forward';
  readonly event: NewEvent;
  readonly isKnown: boolean;
}

type Verdict = Exclude<EventVerdict, { kind: 'forward' }> | Forwarded;

function withinScope(verdict: EventVerdict, judgeAccount: IngestParts['judgeAccount']): Verdict {
  if (verdict.kind !== 'forward') return verdict;
  const account = judgeAccount(verdict.event.account);
  if (account !== 'not_offered') return { ...verdict, isKnown: account === 'offered' };
  const detail = 'This resource does not offer the account: its producers may not write for it';
  return { kind: 'rejected', code: 'account_not_offered', detail, field: 'account' };
}

function besideOf({ account, eventId, traceparent }: IngestOptions): Beside {
  return { account: account || undefined, id: eventId || undefined, traceparent };
}

const ONE_ALONE: Problem = {
  status: 400,
  code: 'headers_for_one_event',
  detail:
    'Firehose-Account and Firehose-Event-Id are for a batch of one event; use the wrapped form ' +
    'application/vnd.firehose.events+ndjson for more',
};

/** One append for the whole batch: the log keeps its order, and with it the order of each call. */
async function append(eventLog: Pick<EventLog, 'append'>, verdicts: readonly Verdict[]): Promise<IngestAnswer> {
  const events = verdicts.flatMap((verdict) => (verdict.kind === 'forward' ? [verdict.event] : []));
  const outcomes = events.length === 0 ? [] : await eventLog.append(events);
  const sums: Record<IngestStatus, number> = { accepted: 0, duplicate: 0, dropped: 0, rejected: 0, failed: 0 };
  const lines: IngestedEvent[] = [];
  let next = 0;
  for (const [index, verdict] of verdicts.entries()) {
    const line = verdict.kind === 'forward' ? appended(index, verdict, outcomes[next++]) : notAppended(index, verdict);
    sums[line.status] += 1;
    lines.push(line);
  }
  return { summary: summaryOf(sums, lines), ...sums, events: lines };
}

/** `4 events: 3 rejected (not_json, account_not_offered), 1 accepted`. */
function summaryOf(sums: Readonly<Record<IngestStatus, number>>, lines: readonly IngestedEvent[]): string {
  const parts = STATUSES.filter((status) => sums[status] > 0).map((status) => {
    const codes = [
      ...new Set(lines.flatMap((line) => (line.status === status ? (line.code ?? line.warning ?? []) : []))),
    ];
    return `${sums[status]} ${status}${codes.length > 0 ? ` (${codes.join(', ')})` : ''}`;
  });
  return [`${lines.length} events`, ...(parts.length > 0 ? [parts.join(', ')] : [])].join(': ');
}

/** The worst first. */
const STATUSES = ['failed', 'rejected', 'accepted', 'duplicate', 'dropped'] as const;

function appended(index: number, { event, isKnown }: Forwarded, outcome: AppendOutcome | undefined): IngestedEvent {
  if (outcome === undefined) return { index, status: 'failed', id: event.eventId, code: 'no_outcome' };
  if (outcome.outcome === 'failed') return { index, status: 'failed', id: event.eventId, code: outcome.code };
  const position = `${outcome.partition}:${outcome.id}`;
  const late = outcome.isLate === true ? { late: true as const } : {};
  const line = { index, status: outcome.outcome, id: event.eventId, position, ...late };
  return isKnown ? line : { ...line, warning: 'unknown_account' };
}

function notAppended(index: number, verdict: Exclude<Verdict, Forwarded>): IngestedEvent {
  if (verdict.kind === 'dropped') return { index, status: 'dropped', code: 'never_forwarded' };
  const { code, detail, field } = verdict;
  return { index, status: 'rejected', code, detail, ...(field !== undefined && { field }) };
}
