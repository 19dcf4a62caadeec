import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { SpanKind, type SpanOptions } from '@opentelemetry/api';
import type { Subscription } from '../../protocol/subscription.ts';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { schemeOf } from '../../runtime/telemetry/scheme.ts';
import { inSpan, outsideOfSpans } from '../../runtime/telemetry/span.ts';
import { sampledContext } from '../../runtime/telemetry/traceparent.ts';
import type { Redactor } from '../privacy/redactor.ts';
import type { Form, Transport } from '../fanout/encoding.ts';
import type { Problem } from '../http/problem.ts';
import { admit, decide, type Granted, type HandshakeOptions } from './admission.ts';
import { feedInPieces } from './frame-feed.ts';
import { negotiate } from './negotiate.ts';
import { agreedProtocol, planUpgrade, wantsRefusalAsClose, type UpgradePlan } from './plan-upgrade.ts';
import { refusalClose } from './refusal-close.ts';

/** More than eight members: an upgrade needs a decision from each part of the gateway. */
export interface UpgradeOptions extends HandshakeOptions {
  readonly compression: Subscription['spec']['gateway']['connections']['compression'];
  readonly refuse: (socket: Socket, problem: Problem) => void;
}

/** Size of a client's frame (RFC 6455): clients send little. */
const MAX_CLIENT_FRAME = 4_096;
/** Larger in a group, whose members acknowledge by lists of ids. */
const MAX_GROUP_FRAME = 65_536;
/** A peer that does not answer a Close by then is cut off. */
const CLOSE_TIMEOUT_MS = 2_000;
/**
 * `closeTimeout` and `maxPendingAutoPongs` are newer than the published types. The latter would cut a burst of 60 pings
 * without a Close: the limit of client frames answers it with 4429.
 */
const WEBSOCKET_OPTIONS = {
  noServer: true,
  clientTracking: false,
  // `negotiate` decides on a client's offers; ws answers them, and inflates the client's compressed messages. It
  // compresses nothing. Event frames would overtake frames of `ws.send`, so `ws.send` is never called.
  perMessageDeflate: { clientNoContextTakeover: true, zlibInflateOptions: { chunkSize: 1_024 } },
  maxPayload: MAX_CLIENT_FRAME,
  closeTimeout: CLOSE_TIMEOUT_MS,
  maxPendingAutoPongs: 0,
  maxFragments: 256,
  handleProtocols: (offered: Set<string>) => agreedProtocol([...offered]) ?? false,
};

/** Decides an upgrade: everything that can fail fails here, as an HTTP status with a coded body. */
export function createUpgrade(
  options: UpgradeOptions,
): (request: IncomingMessage, socket: Socket, head: Buffer) => Promise<number> {
  const servers = createServers(options);
  return (request, socket, head) =>
    inSpan(`GET ${STREAM_PATH}`, handshakeSpan(request), () => upgrade(options, servers, { request, socket, head }));
}

interface Handshake {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

interface Servers {
  readonly single: WebSocketServer;
  readonly group: WebSocketServer;
  /** Handshakes that were accepted only to be closed, and are not closed yet. */
  readonly refused: Set<WebSocket>;
}

function createServers({ onHandshake, refuse, addressOf }: UpgradeOptions): Servers {
  const single = new WebSocketServer(WEBSOCKET_OPTIONS);
  const group = new WebSocketServer({ ...WEBSOCKET_OPTIONS, maxPayload: MAX_GROUP_FRAME });
  for (const server of [single, group]) {
    // Requests that planUpgrade accepts and ws refuses; ws would answer without a code.
    server.on('wsClientError', (_error, socket, request) => {
      onHandshake(MALFORMED.status, MALFORMED.code, { address: addressOf(request) });
      refuse(socket as Socket, MALFORMED);
    });
  }
  return { single, group, refused: new Set() };
}

/** Settles to the status of the answer: 101 when a session was opened; 0 when the peer is gone. */
async function upgrade(options: UpgradeOptions, servers: Servers, handshake: Handshake): Promise<number> {
  const { request, socket } = handshake;
  const address = options.addressOf(request);
  // Until ws takes over, an error of the socket must not end the process.
  const ignore = () => socket.destroy();
  socket.on('error', ignore);
  const refuseFor = (problem: Problem, account?: string): number => {
    options.onHandshake(problem.status, problem.code, { address, ...(account !== undefined && { account }) });
    socket.off('error', ignore);
    refuse(options, servers, { ...handshake, problem });
    return problem.status;
  };
  const decided = await decide(options, request, planUpgrade);
  if ('problem' in decided) return refuseFor(decided.problem);
  const admitted = await admit(options, decided.token);
  if ('problem' in admitted) return refuseFor(admitted.problem, decided.token.grant.account);
  const { share, place } = admitted;
  socket.off('error', ignore);
  if (socket.destroyed || !socket.writable) {
    share.release();
    place.release();
    return 0;
  }
  let isOpen = false;
  try {
    const server = decided.plan.group === null ? servers.single : servers.group;
    const privacy = options.privacyOf(decided.token);
    const transport = agree(options, request, { plan: decided.plan, privacy });
    server.handleUpgrade(request, socket, handshake.head, (webSocket) => {
      options.onHandshake(101, null, { address });
      // The connection outlives its handshake: its work does not belong to that span.
      const form = { framing: 'websocket', transport, privacy, source: options.source } as const;
      outsideOfSpans(() => place.open({ webSocket, socket, address, share, ...kept(decided, form) }));
      isOpen = true;
    });
  } finally {
    place.release();
    if (!isOpen) share.release();
  }
  return isOpen ? 101 : MALFORMED.status;
}

/** By an HTTP status, or by a Close where the client requested that. */
function refuse(
  options: UpgradeOptions,
  { single, refused }: Servers,
  handshake: Handshake & { problem: Problem },
): void {
  const { request, socket, head, problem } = handshake;
  if (refused.size >= MOST_REFUSED || !wantsRefusalAsClose(request)) return options.refuse(socket, problem);
  delete request.headers['sec-websocket-extensions'];
  return single.handleUpgrade(request, socket, head, (webSocket) => {
    const { code, reason } = refusalClose(problem);
    refused.add(webSocket);
    webSocket.on('error', () => webSocket.terminate());
    webSocket.on('close', () => refused.delete(webSocket));
    feedInPieces(socket, { mayRead: true });
    // Only the peer's Close matters.
    for (const frame of ['message', 'ping', 'pong']) webSocket.on(frame, () => webSocket.terminate());
    webSocket.close(code, reason);
  });
}

/** Most refused handshakes that wait for the peer's Close; beyond it the HTTP status is the answer. */
const MOST_REFUSED = 256;

const MALFORMED: Problem = { status: 400, code: 'malformed_request', detail: 'This is not a WebSocket handshake.' };

/** Excludes the token's text, which is a slice of the whole request line. */
function kept({ token, plan, start }: Granted<UpgradePlan>, form: Omit<Form, 'format'>) {
  const { contract, format, replay, group } = plan;
  return { token, start, plan: { contract, form: { format, ...form }, replay, group } };
}

/**
 * Leaves only the accepted offer in the request. In a group each event goes to one connection, so no work can be
 * shared, and nothing is compressed.
 */
function agree(
  { compression, source, fanout }: UpgradeOptions,
  request: IncomingMessage,
  { plan, privacy }: { readonly plan: UpgradePlan; readonly privacy: Redactor | null },
): Transport {
  const { transport, offer } = negotiate(request.headers['sec-websocket-extensions']);
  const { format, group } = plan;
  const isAgreed =
    compression === 'Negotiated' &&
    group === null &&
    fanout.hasRoomFor({ format, framing: 'websocket', transport, privacy, source });
  if (isAgreed && offer !== null) request.headers['sec-websocket-extensions'] = offer;
  else delete request.headers['sec-websocket-extensions'];
  return isAgreed ? transport : 'raw';
}

/**
 * HTTP instrumentation sees no upgrade. A client's trace is linked, not continued: a client must not decide about
 * sampling here.
 */
function handshakeSpan(request: IncomingMessage): SpanOptions {
  const client = sampledContext(String(request.headers['traceparent'] ?? ''));
  return {
    kind: SpanKind.SERVER,
    root: true,
    attributes: { 'http.request.method': 'GET', 'http.route': STREAM_PATH, 'url.scheme': schemeOf(request) },
    links: client === null ? [] : [{ context: client }],
  };
}
