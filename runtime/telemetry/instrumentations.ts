import type { IncomingMessage } from 'node:http';
import type { Span } from '@opentelemetry/api';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { ADMINISTRATION_PATH, INGEST_PATH, LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { mayBringTrace } from './producer-traces.ts';
import { schemeOf } from './scheme.ts';

/** Paths that machines request all the time and that need no trace. */
const PROBES: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);
const ROUTES = [LOGIN_PATH, INGEST_PATH, STREAM_PATH, ADMINISTRATION_PATH, '/.well-known/jwks.json'];

const NOTHING_OF_A_CLIENT = {
  'url.query': '',
  'server.address': '',
  'user_agent.original': '',
  // An address is personal data, and X-Forwarded-For is text that any client can write.
  'client.address': '',
  'network.peer.address': '',
  'http.request.method_original': '',
};

/** HTTP in and out, and Redis commands: each within a span of this process, or of an incoming request. */
export function instrumentations(): Instrumentation[] {
  return [
    new HttpInstrumentation({
      ignoreIncomingRequestHook(request) {
        const path = pathOf(request);
        // Only a producer decides what is traced; otherwise any client could have everything traced. The public
        // listener has the same path, for Server-Sent Events.
        if (path !== INGEST_PATH || !mayBringTrace(request)) delete request.headers['traceparent'];
        return PROBES.has(path);
      },
      // Clients put tokens into the query, and by mistake into the path and any header: of a client's request, only the
      // route leaves the process.
      startIncomingSpanHook: (request) => ({
        ...NOTHING_OF_A_CLIENT,
        'url.path': routeOf(request) ?? '',
        'url.scheme': schemeOf(request),
      }),
      startOutgoingSpanHook: ({ path }) => ({ 'url.full': '', 'url.path': path?.split('?')[0] ?? '' }),
      requestHook(span, request) {
        if ('httpVersion' in request) nameByRoute(span, request);
      },
      requireParentforOutgoingSpans: true,
    }),
    new IORedisInstrumentation({
      requireParentSpan: true,
      // Arguments are keys, events and tokens: only the name of the command leaves the process.
      dbStatementSerializer: (command) => command,
    }),
  ];
}

function nameByRoute(span: Span, request: IncomingMessage): void {
  const route = routeOf(request);
  if (route === undefined) return;
  span.setAttribute('http.route', route);
  span.updateName(`${request.method ?? ''} ${route}`);
}

function routeOf(request: IncomingMessage): string | undefined {
  const path = pathOf(request);
  return ROUTES.find((route) => path === route || path.startsWith(`${route}/`));
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split('?')[0] ?? '';
}
