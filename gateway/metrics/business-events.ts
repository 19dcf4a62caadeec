import { trace } from '@opentelemetry/api';
import type { Logger } from '../../runtime/logging/logger.ts';
import { inSpan } from '../../runtime/telemetry/span.ts';
import type { IngestAnswer } from '../ingest/ingest.ts';
import type { Metrics } from './metrics.ts';

/** Something that happened, told once: each function counts it, logs it, and says it in the span that it happened in. */
export interface BusinessEvents {
  /** Runs a login in a span of its own. */
  login<A extends { readonly outcome: string; readonly accountId?: string }>(run: () => Promise<A>): Promise<A>;
  /** `code` says why it was refused; null for one that was not. */
  readonly handshakeFinished: (status: number, code: string | null) => void;
  readonly sessionClosed: (session: { readonly id: string; readonly account: string }, code: number) => void;
  readonly slowConsumerClosed: (policy: string) => void;
  readonly gapTold: (reason: string) => void;
  readonly revoked: (outcome: string) => void;
  /** A batch was judged, and what was good of it is in the log. */
  readonly ingested: (answer: IngestAnswer) => void;
}

const QUOTAS: Readonly<Record<string, 'account' | 'user' | 'replica'>> = {
  account_quota: 'account',
  user_quota: 'user',
  too_many_connections: 'replica',
};

export function createBusinessEvents(metrics: Metrics, logger: Logger): BusinessEvents {
  const annotate = (attributes: Readonly<Record<string, string | number>>) =>
    trace.getActiveSpan()?.setAttributes(attributes);
  return {
    login: (run) =>
      inSpan('login', {}, async () => {
        const start = performance.now();
        const answer = await run();
        const { outcome } = answer;
        metrics.loginFinished(outcome, (performance.now() - start) / 1_000);
        annotate({ 'firehose.login.outcome': outcome });
        logger.debug({ outcome }, 'a login was judged');
        return answer;
      }),
    handshakeFinished(status, code) {
      metrics.handshake(status);
      const quota = code === null ? undefined : QUOTAS[code];
      if (quota !== undefined) metrics.quotaRefused(quota);
      annotate({ 'http.response.status_code': status, ...(code !== null && { 'error.type': code }) });
      logger.debug({ status, ...(code !== null && { code }) }, 'a handshake was answered');
    },
    sessionClosed({ id, account }, code) {
      metrics.sessionClosed(code);
      logger.debug({ session: id, account, code }, 'a connection has ended');
    },
    slowConsumerClosed(policy) {
      metrics.slowConsumerClosed(policy);
      logger.debug({ policy }, 'a connection is ended for being slow');
    },
    gapTold(reason) {
      metrics.gap(reason);
      logger.debug({ reason }, 'a connection was told of a gap');
    },
    revoked(outcome) {
      metrics.revoked(outcome);
      logger.debug({ outcome }, 'a revocation was asked for');
    },
    ingested(answer) {
      for (const status of ['accepted', 'duplicate', 'dropped'] as const) {
        if (answer[status] > 0) metrics.ingested('http', status, answer[status]);
      }
      for (const [reason, events] of reasonsOf(answer, 'rejected'))
        metrics.ingested('http', 'rejected', events, reason);
      for (const [reason, events] of reasonsOf(answer, 'failed')) metrics.ingested('http', 'failed', events, reason);
      const { accepted, duplicate, rejected, failed } = answer;
      annotate({ 'firehose.ingest.accepted': accepted, 'firehose.ingest.rejected': rejected });
      logger.debug({ accepted, duplicate, rejected, failed }, 'events were taken in');
    },
  };
}

function reasonsOf(answer: IngestAnswer, status: 'rejected' | 'failed'): ReadonlyMap<string, number> {
  const reasons = new Map<string, number>();
  if (answer[status] === 0) return reasons;
  for (const event of answer.events) {
    if (event.status === status) reasons.set(event.code ?? 'unknown', (reasons.get(event.code ?? 'unknown') ?? 0) + 1);
  }
  return reasons;
}
