import type { IncomingMessage } from 'node:http';
import { EVENTS_PARAMETERS } from '../../protocol/reference/stream-parameters.ts';
import type { Problem } from '../http/problem.ts';
import { planReplay } from './plan-replay.ts';
import { parseUrl, readFormat, readToken, type UpgradePlan } from './plan-upgrade.ts';

/** A valid request for the stream as Server-Sent Events. */
export interface EventsPlan extends UpgradePlan {
  /** The client reconnects: it continues after the last event that it received. */
  readonly isReturning: boolean;
}

const PARAMETERS: ReadonlySet<string> = new Set(Object.keys(EVENTS_PARAMETERS));
const EVENT_STREAM = 'text/event-stream';

export type EventsRequest = Pick<IncomingMessage, 'url' | 'headers'>;

/**
 * Reads a request for Server-Sent Events. Pure; the token itself is verified elsewhere. `now` in Unix milliseconds. A
 * browser sends the same URL again, with the id of its last event: the id overrides the start in the URL.
 */
export function planEvents(
  request: EventsRequest,
  now: number,
): { readonly plan: EventsPlan } | { readonly problem: Problem } {
  const { headers } = request;
  if (!acceptsEventStream(headers.accept)) {
    return refuse('not_acceptable', `This path answers with ${EVENT_STREAM}: ask for it by the header Accept.`, 406);
  }
  const query = parseUrl(request.url)?.searchParams;
  if (query === undefined) return refuse('invalid_url', 'The request target is not a valid URL.');
  const names = [...query.keys()];
  const strange = names.find((name) => !PARAMETERS.has(name));
  if (strange !== undefined) {
    return refuse('unknown_parameter', `Server-Sent Events have no query parameter '${strange.slice(0, 64)}'.`);
  }
  const repeated = names.find((name) => name !== 'token' && query.getAll(name).length > 1);
  if (repeated !== undefined) return refuse('repeated_parameter', `Give the query parameter '${repeated}' once.`);
  const token = readToken(query, headers.authorization);
  if ('problem' in token) return token;
  const format = readFormat(query, 'plain');
  if (typeof format === 'object') return format;
  const planned = planReplay(query, now, true);
  if ('problem' in planned) return planned;
  const { replay } = planned;
  const last = String(headers['last-event-id'] ?? '');
  const isReturning = last !== '';
  const start = isReturning ? ({ kind: 'cursor', cursor: last } as const) : replay.start;
  const fixed = { contract: 'control', group: null, regroup: false } as const;
  return { plan: { token: token.token, format, replay: { ...replay, start }, isReturning, ...fixed } };
}

/**
 * Whether a client accepts Server-Sent Events (RFC 9110 12.5.1); one without an Accept header accepts anything. Pure.
 */
function acceptsEventStream(accept: string | undefined): boolean {
  if (accept === undefined) return true;
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const isExcluded = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    return !isExcluded && (type === EVENT_STREAM || type === 'text/*' || type === '*/*');
  });
}

/**
 * Whether a request comes from an EventSource, for which any answer but 200 is the final end (HTML standard, 9.2.3).
 * Only an EventSource sends exactly this Accept in mode cors (Fetch Metadata). Pure.
 */
export function isEventSource({ headers }: EventsRequest): boolean {
  return headers.accept === EVENT_STREAM && headers['sec-fetch-mode'] === 'cors';
}

function refuse(code: Problem['code'], detail: string, status = 400): { readonly problem: Problem } {
  return { problem: { status, code, detail } };
}
