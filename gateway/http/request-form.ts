import type { IncomingMessage } from 'node:http';
import { INVALID_TARGET, INVALID_HOST, REPEATED_AUTHORIZATION, TOO_MANY_HEADERS } from './listener-problems.ts';
import type { Problem } from './problem.ts';

/** `uri-host [ ":" port ]`, which may be empty (RFC 9110 7.2, RFC 3986 3.2.2). */
const HOST = /^(?:\[[0-9A-Za-z:.~_-]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::\d{0,5})?$/;

/**
 * Checks the rules for every request, an upgrade or not, and writes its target in origin form (RFC 9112 3.2): path and
 * query of an absolute one. Null when the request may be routed.
 */
export function checkForm(request: IncomingMessage, mostHeaders: number): Problem | null {
  if (request.rawHeaders.length / 2 > mostHeaders) return TOO_MANY_HEADERS;
  // Node's own check would answer without a code, and accepts two Hosts.
  const hosts = request.headersDistinct['host'] ?? [];
  if (hosts.length > 1 || (hosts.length === 0 && request.httpVersion === '1.1')) return INVALID_HOST;
  if (hosts[0] !== undefined && !HOST.test(hosts[0])) return INVALID_HOST;
  if ((request.headersDistinct['authorization']?.length ?? 0) > 1) return REPEATED_AUTHORIZATION;
  const target = originForm(request.url ?? '');
  if (target === null) return INVALID_TARGET;
  request.url = target;
  return null;
}

/** The target in origin form; null when it is not a target of a server (RFC 9112 3.2). Pure. */
function originForm(target: string): string | null {
  if (target.startsWith('/') || target === '*') return target;
  const absolute = /^https?:\/\/[^/?#]+/i.exec(target)?.[0];
  if (absolute === undefined || URL.parse(absolute) === null) return null;
  const rest = target.slice(absolute.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
