import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Problem } from '../http/problem.ts';
import type { AppendOutcome, EventLog, NewEvent } from '../../event-log/event-log.ts';
import { readBatch } from './read-batch.ts';
import { readEvent, readWrapped, type Beside, type EventVerdict } from '../../event-log/intake/read-event.ts';

export type IngestStatus = 'accepted' | 'duplicate' | 'dropped' | 'rejected' | 'failed';

/** What became of one element. */
export interface IngestedEvent {
  /** Its place in the request, from 0; blank lines do not count. */
  readonly index: number;
  readonly status: IngestStatus;
  /** Id of the event, given or derived; absent when it was dropped or rejected. */
  readonly id?: string;
  /** `<partition>:<entry id>`; of a duplicate, where the first one lies. */
  readonly position?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly field?: string;
}

/** The answer to a batch: one line an element, and their sums. */
export type IngestAnswer = { readonly events: readonly IngestedEvent[] } & Readonly<Record<IngestStatus, number>>;

export type IngestResult =
  /** 503 when some failed, as the log is out of reach: the same body again, unchanged, is safe. */
  | { readonly kind: 'answered'; readonly status: 200 | 503; readonly answer: IngestAnswer }
  /** The body as a whole cannot be read; nothing was appended. */
  | { readonly kind: 'unreadable'; readonly problem: Problem };

export interface IngestOptions {
  readonly contentType: string;
  /** For a batch of one, as are the other two; empty is not given. */
  readonly account?: string | undefined;
  readonly eventId?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** Never rejects, and nothing is accepted before the log has it. */
export type Ingest = (body: Buffer, options: IngestOptions) => Promise<IngestResult>;

/** Elements judged before other work has its turn: 10,000 in one go would hold up the delivery of events. */
const ELEMENTS_A_TURN = 50;

export function createIngest({ eventLog }: { readonly eventLog: Pick<EventLog, 'append'> }): Ingest {
  return async (body, options) => {
    const batch = readBatch(body, options.contentType);
    if (batch.kind === 'unreadable') return { kind: 'unreadable', problem: batch };
    const { elements, wrapped } = batch;
    // A traceparent beside many is passed over: HTTP clients add one by themselves.
    if (elements.length > 1 && (options.account || options.eventId)) return { kind: 'unreadable', problem: ONE_ALONE };
    const headers = elements.length === 1 ? besideOf(options) : {};
    const verdicts: EventVerdict[] = [];
    for (const element of elements) {
      if (verdicts.length > 0 && verdicts.length % ELEMENTS_A_TURN === 0) await nextTurn();
      verdicts.push(wrapped ? readWrapped(element, headers) : readEvent(element, headers));
    }
    const answer = await append(eventLog, verdicts);
    return { kind: 'answered', status: answer.failed > 0 ? 503 : 200, answer };
  };
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
async function append(eventLog: Pick<EventLog, 'append'>, verdicts: readonly EventVerdict[]): Promise<IngestAnswer> {
  const events = verdicts.flatMap((verdict) => (verdict.kind === 'forward' ? [verdict.event] : []));
  const outcomes = events.length === 0 ? [] : await eventLog.append(events);
  const sums: Record<IngestStatus, number> = { accepted: 0, duplicate: 0, dropped: 0, rejected: 0, failed: 0 };
  const lines: IngestedEvent[] = [];
  let next = 0;
  for (const [index, verdict] of verdicts.entries()) {
    const line =
      verdict.kind === 'forward' ? appended(index, verdict.event, outcomes[next++]) : notAppended(index, verdict);
    sums[line.status] += 1;
    lines.push(line);
  }
  return { events: lines, ...sums };
}

function appended(index: number, event: NewEvent, outcome: AppendOutcome | undefined): IngestedEvent {
  if (outcome === undefined) return { index, status: 'failed', id: event.eventId, code: 'no_outcome' };
  if (outcome.outcome === 'failed') return { index, status: 'failed', id: event.eventId, code: outcome.code };
  return { index, status: outcome.outcome, id: event.eventId, position: `${outcome.partition}:${outcome.id}` };
}

function notAppended(index: number, verdict: Exclude<EventVerdict, { kind: 'forward' }>): IngestedEvent {
  if (verdict.kind === 'dropped') return { index, status: 'dropped', code: 'never_forwarded' };
  const { code, detail, field } = verdict;
  return { index, status: 'rejected', code, detail, ...(field !== undefined && { field }) };
}
