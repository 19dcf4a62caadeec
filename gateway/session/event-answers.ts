import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { EventStreamFrame } from '../../protocol/event-stream-frame.ts';
import { sseControl, sseRetry } from '../fanout/sse-frame.ts';
import { corsHeaders } from '../http/cors.ts';
import type { Problem } from '../http/problem.ts';
import { lastWords, refuseOnSocket } from '../http/refuse-upgrade.ts';
import { securityHeaders } from '../http/security-headers.ts';
import { isEventSource } from './plan-events.ts';
import { comeBackAfter, retryOf } from './retry.ts';

/** Answers a request for Server-Sent Events on its own socket. */
export interface EventAnswers {
  /** The head of a stream; all later bytes belong to the stream itself. */
  readonly begin: (request: IncomingMessage, socket: Socket) => void;
  /** For an EventSource, a temporary refusal is a stream that reports it and ends. */
  readonly refuse: (request: IncomingMessage, socket: Socket, problem: Problem) => void;
  /** The stream is finished for good: 204. */
  readonly finish: (request: IncomingMessage, socket: Socket) => void;
}

export interface EventAnswersOptions {
  readonly allowedOrigins: readonly string[];
  readonly isTls: boolean;
}

/** Temporary refusals: the same request may succeed later. */
const PASSES: ReadonlySet<number> = new Set([429, 503]);

/**
 * Answers requests for Server-Sent Events on the raw socket. The stream ends with the connection, so its bytes need no
 * chunk headers. After any status but 200 an EventSource never reconnects, so a temporary refusal is a stream that
 * reports it and ends.
 */
export function createEventAnswers({ allowedOrigins, isTls }: EventAnswersOptions): EventAnswers {
  const common = (request: IncomingMessage) => ({
    ...corsHeaders(request.headers.origin, allowedOrigins),
    ...securityHeaders(isTls),
  });
  const head = (request: IncomingMessage, status: number, more: Readonly<Record<string, string>>) =>
    headOf(status, { Date: new Date().toUTCString(), ...more, ...common(request) });
  return {
    begin(request, socket) {
      socket.write(head(request, 200, STREAM_HEADERS));
    },
    refuse(request, socket, problem) {
      if (!PASSES.has(problem.status) || !isEventSource(request)) {
        refuseOnSocket(socket, { ...problem, headers: { ...problem.headers, ...common(request) } });
        return;
      }
      lastWords(socket, Buffer.concat([Buffer.from(head(request, 200, STREAM_HEADERS)), passing(problem)]));
    },
    finish(request, socket) {
      lastWords(socket, head(request, 204, { 'Cache-Control': 'no-store', Connection: 'close' }));
    },
  };
}

const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // Without it, nginx would buffer the events.
  'X-Accel-Buffering': 'no',
  Connection: 'close',
};

function headOf(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines].join('\r\n') + '\r\n\r\n';
}

function passing(problem: Problem): Buffer {
  const { status, code, detail } = problem;
  const wait = comeBackAfter(retryOf(problem));
  const frame: EventStreamFrame = { type: 'problem', status, code, detail, retry_after_ms: wait };
  return Buffer.concat([sseRetry(wait), sseControl(JSON.stringify(frame), null)]);
}
