import { trace } from '@opentelemetry/api';
import type { Logger } from '../../runtime/logging/logger.ts';
import { inSpan } from '../../runtime/telemetry/span.ts';
import type { IngestAnswer } from '../ingest/ingest.ts';
import type { Mismatch } from '../http/first-bytes.ts';
import type { Metrics } from './metrics.ts';
import { createOccasionalLine } from './occasional-line.ts';

/** Business events, each reported once: each function counts the event, logs it, and records it in the active span. */
export interface BusinessEvents {
  /** Runs a login from a client's address in a span of its own. */
  login<A extends { readonly outcome: string; readonly accountId?: string }>(
    address: string,
    run: () => Promise<A>,
  ): Promise<A>;
  /** The public port has answered a request. */
  readonly requestAnswered: (status: number) => void;
  readonly connectionMismatched: (mismatch: Mismatch, address: string) => void;
  /** A connection was cut off because of the limit of its address or of this replica. */
  readonly connectionDropped: (limit: 'address' | 'replica') => void;
  /** `code` says why it was refused; null when it was not. */
  readonly handshakeFinished: (
    status: number,
    code: string | null,
    client: { readonly address: string; readonly account?: string },
  ) => void;
  readonly sessionClosed: (session: { readonly id: string; readonly account: string }, code: number) => void;
  readonly slowConsumerClosed: (policy: string) => void;
  readonly gapReported: (reason: string) => void;
  readonly revoked: (outcome: string) => void;
  /** A batch was ingested: its accepted events are in the log. */
  readonly ingested: (answer: IngestAnswer) => void;
}

const QUOTAS: Readonly<Record<string, 'account' | 'user' | 'replica'>> = {
  account_quota: 'account',
  user_quota: 'user',
  too_many_connections: 'replica',
};

const MISMATCH_LINES: Readonly<Record<Mismatch, string>> = {
  proxy_header_missing:
    'a connection without a PROXY header: send one from the load balancer, or set gateway.proxyProtocol to false',
  proxy_header_unexpected:
    'a connection with a PROXY header: set gateway.proxyProtocol to true, or send none from the load balancer',
  proxy_not_trusted: 'a connection of a peer outside gateway.trustedProxies, which proxyProtocol requires',
  tls_missing: 'a connection without TLS on a port with TLS: forward TLS, or set gateway.tls.disabled to true',
  tls_unexpected: 'a connection with TLS on a port without it: end TLS in the load balancer, or enable gateway.tls',
  forwarded_unreadable:
    'a trusted proxy wrote no address into X-Forwarded-For: the address of the proxy counts instead',
};

const DROPPED_LINES = {
  address: 'connections cut off: their address has used up gateway.addressLimit, or too many wait after its faults',
  replica: 'connections cut off: the limit on open files leaves no room beside the reserve for health checks',
} as const;

export function createBusinessEvents(metrics: Metrics, logger: Logger): BusinessEvents {
  const write = createLines(logger);
  return {
    requestAnswered: (status) => metrics.answered(status),
    connectionMismatched(mismatch, address) {
      metrics.mismatched(mismatch);
      write.mismatch(mismatch, address);
    },
    connectionDropped(limit) {
      metrics.dropped(limit);
      write.dropped(limit, null);
    },
    login: (address, run) =>
      inSpan('login', {}, async () => {
        const start = performance.now();
        const answer = await run();
        const { outcome } = answer;
        metrics.loginFinished(outcome, (performance.now() - start) / 1_000);
        annotate({ 'firehose.login.outcome': outcome });
        if (outcome !== 'granted') write.login(outcome, { address, ...account(answer) });
        logger.debug({ outcome }, 'a login was decided');
        return answer;
      }),
    handshakeFinished(status, code, client) {
      metrics.handshake(status);
      const quota = code === null ? undefined : QUOTAS[code];
      if (quota !== undefined) metrics.quotaRefused(quota);
      if (code !== null) write.handshake(code, client);
      annotate({ 'http.response.status_code': status, ...(code !== null && { 'error.type': code }) });
      logger.debug({ status, ...(code !== null && { code }) }, 'a handshake was answered');
    },
    sessionClosed({ id, account }, code) {
      metrics.sessionClosed(code);
      logger.debug({ session: id, account, code }, 'a connection has ended');
    },
    slowConsumerClosed(policy) {
      metrics.slowConsumerClosed(policy);
      logger.debug({ policy }, 'a slow connection is closed');
    },
    gapReported(reason) {
      metrics.gap(reason);
      logger.debug({ reason }, 'a gap was reported to a connection');
    },
    revoked(outcome) {
      metrics.revoked(outcome);
      logger.debug({ outcome }, 'a revocation was requested');
    },
    ingested(answer) {
      countIngested(metrics, answer);
      const { accepted, duplicate, rejected, failed } = answer;
      annotate({ 'firehose.ingest.accepted': accepted, 'firehose.ingest.rejected': rejected });
      logger.debug({ accepted, duplicate, rejected, failed }, 'events were ingested');
    },
  };
}

/** Log lines for events that unauthenticated clients can cause in any number: one line in a while, with a count. */
function createLines(logger: Logger) {
  const refusals = (message: string) =>
    createOccasionalLine<string, { address: string; account?: string }>({
      write: (outcome, { address, account }, count) =>
        logger.info(
          { outcome, count, network: networkOf(address), ...(account !== undefined && { account }) },
          message,
        ),
    });
  return {
    login: refusals('logins refused'),
    handshake: refusals('WebSocket handshakes refused'),
    mismatch: createOccasionalLine<Mismatch, string>({
      write: (mismatch, address, count) => logger.warn({ mismatch, address, count }, MISMATCH_LINES[mismatch]),
    }),
    dropped: createOccasionalLine<'address' | 'replica', null>({
      write: (limit, _, count) => logger.warn({ limit, count }, DROPPED_LINES[limit]),
    }),
  };
}

function annotate(attributes: Readonly<Record<string, string | number>>): void {
  trace.getActiveSpan()?.setAttributes(attributes);
}

function countIngested(metrics: Metrics, answer: IngestAnswer): void {
  for (const status of ['accepted', 'duplicate', 'dropped'] as const) {
    if (answer[status] > 0) metrics.ingested('http', status, answer[status]);
  }
  const late = answer.duplicate === 0 ? 0 : answer.events.filter(({ late }) => late === true).length;
  if (late > 0) metrics.endedLate(late);
  for (const status of ['rejected', 'failed'] as const) {
    for (const [reason, events] of reasonsOf(answer, status)) metrics.ingested('http', status, events, reason);
  }
}

function account({ accountId }: { readonly accountId?: string }): { account?: string } {
  return accountId === undefined ? {} : { account: accountId };
}

/** A client's network: the address itself is personal data. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address.replace(/\.\d+$/, '.0/24');
  return `${address.split(':').slice(0, 3).join(':')}::/48`;
}

function reasonsOf(answer: IngestAnswer, status: 'rejected' | 'failed'): ReadonlyMap<string, number> {
  const reasons = new Map<string, number>();
  if (answer[status] === 0) return reasons;
  for (const event of answer.events) {
    if (event.status === status) reasons.set(event.code ?? 'unknown', (reasons.get(event.code ?? 'unknown') ?? 0) + 1);
  }
  return reasons;
}
