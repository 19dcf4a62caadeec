import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { reaches } from '../../protocol/position.ts';
import { outsideOfSpans } from '../../runtime/telemetry/span.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { Form } from '../fanout/encoding.ts';
import type { Problem } from '../http/problem.ts';
import { admit, judgeClient, judgeOrigin, type AdmissionOptions, type OnHandshake } from './admission.ts';
import type { SessionStart } from './begin.ts';
import type { EventAnswers } from './event-answers.ts';
import { planEvents, type EventsPlan } from './plan-events.ts';

/** More than eight members: a stream needs a decision from each part of the gateway. */
export interface OpenEventsOptions extends AdmissionOptions {
  readonly addressOf: (request: IncomingMessage) => string;
  readonly isOriginAllowed: (origin: string) => boolean;
  readonly now: () => number;
  /** The privacy view of a token's client; null: everything. */
  readonly privacyOf: (token: VerifiedToken) => Form['privacy'];
  /** The `source` of CloudEvents. */
  readonly source: string;
  readonly answers: EventAnswers;
  readonly onHandshake: OnHandshake;
}

type Decided =
  | { readonly problem: Problem }
  | { readonly token: VerifiedToken; readonly plan: EventsPlan; readonly start: SessionStart | null };

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
    const decided = await decide(options, request);
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

async function decide(options: OpenEventsOptions, request: IncomingMessage): Promise<Decided> {
  const problem = judgeOrigin(request, options.isOriginAllowed);
  if (problem !== null) return { problem };
  const planned = planEvents(request, options.now());
  if ('problem' in planned) return planned;
  const { plan } = planned;
  const judged = await judgeClient(options, plan);
  return 'problem' in judged ? judged : { ...judged, plan };
}

/** A client that reconnects after the end of its replay. A first request gets a stream that ends. */
function isDone({ plan, start }: Exclude<Decided, { problem: Problem }>): boolean {
  if (!plan.isReturning || start === null || 'snapshot' in start || start.until === null) return false;
  return reaches(start.from.ids, start.until);
}

/** Excludes the token's text, which is a slice of the whole request line. */
function kept(
  { privacyOf, source }: OpenEventsOptions,
  { token, plan: { format, replay }, start }: Exclude<Decided, { problem: Problem }>,
) {
  const form: Form = { format, framing: 'sse', transport: 'raw', privacy: privacyOf(token), source };
  return { token, start, plan: { replay, form } };
}
