import { STREAM_PARAMETERS } from '../../protocol/reference/stream-parameters.ts';
import type { ProblemCode } from '../../protocol/problem-code.ts';
import type { IncomingMessage } from 'node:http';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { INVALID_TOKEN } from '../auth/bearer.ts';
import type { Problem } from '../http/problem.ts';
import type { Format } from '../fanout/encoding.ts';
import { planReplay, type ReplayPlan } from './plan-replay.ts';

/** The valid upgrade request of a client. */
export interface UpgradePlan {
  readonly token: string;
  /** `control` sends frames beside events, see protocol/server-frame.ts. */
  readonly contract: Contract;
  readonly format: Format;
  readonly replay: ReplayPlan;
  /** The durable consumer group to join. */
  readonly group: string | null;
  /** Takes over the group even if the group has a different grant. */
  readonly regroup: boolean;
}

export type Contract = 'plain' | 'control';
/** The subprotocol that requests the control contract, as `?v=1` does. */
const CONTROL_PROTOCOL = 'firehose.v1';

export type PlannedUpgrade = { readonly plan: UpgradePlan } | { readonly problem: Problem };

const MAX_TOKEN_LENGTH = 8_192;
/** RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A token as a subprotocol: browsers can give a WebSocket no header, and a URL is written into logs on its way. */
const TOKEN_PROTOCOL = 'firehose.token.';
const OWN_FAMILY = /^firehose(\.|$)/i;
const WEBSOCKET_KEY = /^[+/0-9A-Za-z]{22}==$/;
const REPLAY_PARAMETERS = ['cursor', 'from', 'to', 'on_gap', 'snapshot', 'group', 'regroup'];
const PARAMETERS: ReadonlySet<string> = new Set(Object.keys(STREAM_PARAMETERS));

type UpgradeRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'headersDistinct' | 'httpVersion'>;

/**
 * Reads an upgrade request. Pure; the token itself is verified elsewhere. `now` in Unix milliseconds. RFC 6455 4.2.1,
 * RFC 6750 2.1.
 */
export function planUpgrade(request: UpgradeRequest, now: number): PlannedUpgrade {
  const url = parseUrl(request.url);
  if (url === null) return refuse(400, 'invalid_url', 'The request target is not a valid URL.');
  if (url.pathname !== STREAM_PATH) return refuse(404, 'not_found', `The event stream is at ${STREAM_PATH}.`);
  const handshake = checkHandshake(request);
  if (handshake !== null) return { problem: handshake };
  const query = url.searchParams;
  const version = query.get('v');
  if (version !== null && version !== '1') {
    return refuse(400, 'unsupported_version', "The query parameter 'v' is 1, the only version there is.");
  }
  const contract = version === '1' || asksForControl(request) ? 'control' : 'plain';
  const strange = contract === 'control' ? [...query.keys()].find((name) => !PARAMETERS.has(name)) : undefined;
  if (strange !== undefined) {
    return refuse(400, 'unknown_parameter', `The control contract has no query parameter '${strange.slice(0, 64)}'.`);
  }
  const once = contract === 'control' ? [...PARAMETERS].filter((name) => name !== 'token') : REPLAY_PARAMETERS;
  const repeated = once.find((name) => query.getAll(name).length > 1);
  if (repeated !== undefined) return refuse(400, 'repeated_parameter', `Give the query parameter '${repeated}' once.`);
  const token = readToken(query, request.headers.authorization, tokenProtocols(request));
  if ('problem' in token) return token;
  const format = readFormat(query, contract);
  if (typeof format === 'object') return format;
  const refusals = query.get('refusals');
  if (refusals !== null && refusals !== 'close' && contract === 'control') {
    return refuse(400, 'invalid_refusals', "The query parameter 'refusals' is 'close', or left out.");
  }
  const replay = planReplay(query, now, contract === 'control');
  if ('problem' in replay) return replay;
  const group = query.get('group');
  if (group !== null && replay.replay.start.kind !== 'live') {
    return refuse(400, 'group_keeps_position', 'A group keeps its own position: leave out cursor, from and to.');
  }
  if (group !== null && format === 'cloudevents') {
    return refuse(400, 'invalid_format', 'A group has no format=cloudevents: leave one of them out.');
  }
  const regroup = query.get('regroup');
  if (regroup !== null && (group === null || (regroup !== 'true' && regroup !== 'false'))) {
    return refuse(400, 'invalid_regroup', "The query parameter 'regroup' is true or false, and goes with a group.");
  }
  return { plan: { token: token.token, contract, format, replay: replay.replay, group, regroup: regroup === 'true' } };
}

/**
 * Whether a refusal is sent as a Close after an accepted handshake, instead of an HTTP status: a valid handshake
 * requests that with `refusals=close`.
 */
export function wantsRefusalAsClose(request: UpgradeRequest): boolean {
  const query = request.url?.split('?')[1] ?? '';
  return new URLSearchParams(query).get('refusals') === 'close' && checkHandshake(request) === null;
}

function asksForControl({ headers }: UpgradeRequest): boolean {
  return offeredProtocols(headers['sec-websocket-protocol'])?.includes(CONTROL_PROTOCOL) === true;
}

/** The subprotocols that a client offers; null when the header is not a list of distinct tokens (RFC 6455 11.3.4). */
function offeredProtocols(header: string | undefined): readonly string[] | null {
  if (header === undefined) return [];
  const offered = header.split(',').map((protocol) => protocol.replace(/^[ \t]+|[ \t]+$/g, ''));
  const isList = offered.every((protocol) => TOKEN.test(protocol)) && new Set(offered).size === offered.length;
  return isList ? offered : null;
}

/**
 * The subprotocol to confirm: the control contract if offered, else the first other name, as for clients of the
 * original plain contract. An unsupported name of the firehose family is never confirmed.
 */
export function agreedProtocol(offered: readonly string[]): string | null {
  if (offered.includes(CONTROL_PROTOCOL)) return CONTROL_PROTOCOL;
  return offered.find((protocol) => !OWN_FAMILY.test(protocol)) ?? null;
}

function checkHandshake(request: UpgradeRequest): Problem | null {
  const { headers, method, httpVersion } = request;
  if (method !== 'GET') {
    return problem(405, 'method_not_allowed', 'The event stream is opened with GET.', { Allow: 'GET' });
  }
  if (httpVersion !== '1.1') return problem(400, 'http_version', 'A WebSocket is opened with HTTP/1.1.');
  // Node requires a Host for every request except an upgrade, and never checks that there is only one. RFC 9112 3.2.
  if (request.headersDistinct['host']?.length !== 1) {
    return problem(400, 'invalid_host', 'Send the header Host, once.');
  }
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    return problem(426, 'upgrade_required', 'This is a WebSocket endpoint.', { Upgrade: 'websocket' });
  }
  // Its bytes would be read as frames, and a proxy would read them as the request's (RFC 9112 11.2).
  if (Number(headers['content-length'] ?? 0) !== 0 || headers['transfer-encoding'] !== undefined) {
    return problem(400, 'malformed_request', 'The request for a WebSocket has no body.');
  }
  if (headers['sec-websocket-version'] !== '13') {
    return problem(426, 'websocket_version', 'Only WebSocket version 13 is supported.', {
      'Sec-WebSocket-Version': '13',
    });
  }
  if (!WEBSOCKET_KEY.test(headers['sec-websocket-key'] ?? '')) {
    return problem(400, 'websocket_key', 'Sec-WebSocket-Key is missing or not 16 bytes in base64.');
  }
  if (offeredProtocols(headers['sec-websocket-protocol']) === null) {
    return problem(400, 'websocket_protocol', 'Sec-WebSocket-Protocol is not a list of different protocol names.');
  }
  return null;
}

/** The form of an event, from `meta` and `format`. */
export function readFormat(query: URLSearchParams, contract: Contract): Format | { readonly problem: Problem } {
  const [meta, format] = [query.get('meta'), query.get('format')];
  if ((meta !== null && meta !== '0' && meta !== '1') || (meta === '0' && contract === 'control')) {
    return refuse(400, 'invalid_meta', "The query parameter 'meta' is 1 or 0, and always 1 in the control contract.");
  }
  if (format === null) return meta === '1' || contract === 'control' ? 'meta' : 'plain';
  if (format !== 'cloudevents') {
    return refuse(400, 'invalid_format', "The query parameter 'format' is cloudevents, or left out.");
  }
  if (meta === null || contract === 'control') return format;
  return refuse(400, 'invalid_format', 'A CloudEvent has no _firehose, its cursor is an extension: leave meta out.');
}

/** The tokens among the subprotocols of a handshake. */
function tokenProtocols({ headers }: UpgradeRequest): readonly string[] {
  const offered = offeredProtocols(headers['sec-websocket-protocol']) ?? [];
  return offered
    .filter((protocol) => protocol.startsWith(TOKEN_PROTOCOL))
    .map((protocol) => protocol.slice(TOKEN_PROTOCOL.length));
}

/** The token from the query, the header or a subprotocol. RFC 6750 2. */
export function readToken(
  query: URLSearchParams,
  authorization: string | undefined,
  fromProtocols: readonly string[] = [],
): { token: string } | { problem: Problem } {
  const tokens = new Set([...query.getAll('token'), ...fromProtocols].filter((token) => token !== ''));
  if (authorization !== undefined) {
    const bearer = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (bearer === undefined && tokens.size === 0) return { problem: INVALID_TOKEN };
    if (bearer !== undefined) tokens.add(bearer);
  }
  const [token, other] = tokens;
  if (other !== undefined) {
    return refuse(
      400,
      'two_tokens',
      'Two different tokens were given: send one, in the query, in the header or as a subprotocol.',
    );
  }
  if (token === undefined || token.length > MAX_TOKEN_LENGTH) return { problem: INVALID_TOKEN };
  return { token };
}

export function parseUrl(target: string | undefined): URL | null {
  const url = target?.startsWith('/') === true ? URL.parse(`http://gateway${target}`) : null;
  return url?.host === 'gateway' ? url : null;
}

function problem(status: number, code: ProblemCode, detail: string, headers: Record<string, string> = {}): Problem {
  return { status, code, detail, headers };
}

function refuse(status: number, code: ProblemCode, detail: string): { problem: Problem } {
  return { problem: problem(status, code, detail) };
}
