import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { reaches } from '../../protocol/position.ts';
import { outsideOfSpans } from '../../runtime/telemetry/span.ts';
import type { Form } from '../fanout/encoding.ts';
import type { Problem } from '../http/problem.ts';
import { admit, decide, type Granted, type HandshakeOptions } from './admission.ts';
import type { EventAnswers } from './event-answers.ts';
import { planEvents, type EventsPlan } from './plan-events.ts';

export interface OpenEventsOptions extends HandshakeOptions {
  readonly answers: EventAnswers;
}

/**
 * Decides a request for Server-Sent Events like an upgrade, and opens the stream on its socket. Settles to the status
 * of the answer; 0 when the peer is gone.
 */
export function createOpenEvents(
  options: OpenEventsOptions,
): (request: IncomingMessage, socket: Socket) => Promise<number> {
  return async (request, socket) => {
    const address = options.addressOf(request);
    // Until the stream takes over, an error of the socket must not end the process.
    const ignore = () => socket.destroy();
    socket.on('error', ignore);
    const refuse = (problem: Problem, account?: string): number => {
      options.onHandshake(problem.status, problem.code, { address, ...(account !== undefined && { account }) });
      options.answers.refuse(request, socket, problem);
      return problem.status;
    };
    const decided = await decide(options, request, planEvents);
    if ('problem' in decided) return refuse(decided.problem);
    if (isDone(decided)) {
      options.onHandshake(NO_CONTENT, null, { address });
      options.answers.finish(request, socket);
      return NO_CONTENT;
    }
    const admitted = await admit(options, decided.token);
    if ('problem' in admitted) return refuse(admitted.problem, decided.token.grant.account);
    const { share, place } = admitted;
    socket.off('error', ignore);
    if (socket.destroyed || !socket.writable) {
      share.release();
      place.release();
      return 0;
    }
    options.onHandshake(200, null, { address });
    // Head and greeting are sent in one write.
    socket.cork();
    options.answers.begin(request, socket);
    // The connection outlives its request: its work does not belong to that span.
    outsideOfSpans(() => place.openEvents({ socket, address, share, ...kept(options, decided) }));
    socket.uncork();
    return 200;
  };
}

const NO_CONTENT = 204;

/** A client that reconnects after the end of its replay. A first request gets a stream that ends. */
function isDone({ plan, start }: Granted<EventsPlan>): boolean {
  if (!plan.isReturning || start === null || 'snapshot' in start || start.until === null) return false;
  return reaches(start.from.ids, start.until);
}

/** Excludes the token's text, which is a slice of the whole request line. */
function kept(
  { privacyOf, source }: OpenEventsOptions,
  { token, plan: { format, replay }, start }: Granted<EventsPlan>,
) {
  const form: Form = { format, framing: 'sse', transport: 'raw', privacy: privacyOf(token), source };
  return { token, start, plan: { replay, form } };
}
