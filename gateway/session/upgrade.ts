import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { VerifiedToken } from '../auth/grant.ts';
import { isActive, type Directory } from '../directory/directory.ts';
import type { Fanout } from '../fanout/fanout.ts';
import type { Problem } from '../http/problem.ts';
import { planUpgrade, unauthorized } from './plan-upgrade.ts';
import type { Sessions } from './sessions.ts';

export type TokenOutcome =
  | { readonly kind: 'valid'; readonly token: VerifiedToken }
  | { readonly kind: 'invalid' }
  /** What the token refers to cannot be looked up now. */
  | { readonly kind: 'unavailable' };

export interface UpgradeOptions {
  readonly verifyToken: (token: string) => Promise<TokenOutcome>;
  readonly directory: () => Directory;
  readonly isOriginAllowed: (origin: string) => boolean;
  readonly fanout: Fanout;
  readonly sessions: Sessions;
  readonly isDraining: () => boolean;
  readonly refuse: (socket: Socket, problem: Problem) => void;
  /** Told of each handshake's HTTP status. */
  readonly onHandshake: (status: number) => void;
}

/** RFC 6455 frames from clients: they have little to say. */
const MAX_CLIENT_FRAME = 4_096;
/** A peer that does not answer a Close by then is cut off. */
const CLOSE_TIMEOUT_MS = 2_000;
/**
 * `closeTimeout` and `maxPendingAutoPongs` are newer than the published types. The latter would cut a burst of 60 pings
 * without a Close: our own limit of client frames answers it with 4429.
 */
const WEBSOCKET_OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: MAX_CLIENT_FRAME,
  closeTimeout: CLOSE_TIMEOUT_MS,
  maxPendingAutoPongs: 0,
};

/** Decides an upgrade: everything that can fail fails here, as an HTTP status with a coded body. */
export function createUpgrade(options: UpgradeOptions) {
  const server = new WebSocketServer(WEBSOCKET_OPTIONS);
  return async (request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> => {
    // Until ws takes over, a peer that goes away must not end the process.
    const ignore = () => socket.destroy();
    socket.on('error', ignore);
    const refuse = (problem: Problem) => {
      options.onHandshake(problem.status);
      options.refuse(socket, problem);
    };
    const decided = await decide(options, request);
    if ('problem' in decided) return refuse(decided.problem);
    const place = options.sessions.reserve();
    if (place === null) return refuse(full());
    if (socket.destroyed || !socket.writable) return place.release();
    socket.off('error', ignore);
    try {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        options.onHandshake(101);
        place.open({ webSocket, socket, token: decided.token, format: decided.format, fanout: options.fanout });
      });
    } finally {
      place.release();
    }
  };
}

async function decide(options: UpgradeOptions, request: IncomingMessage) {
  const { origin } = request.headers;
  if (origin !== undefined && !options.isOriginAllowed(origin)) {
    return { problem: { status: 403, code: 'origin_not_allowed', detail: 'This origin is not on the allowed list.' } };
  }
  const planned = planUpgrade(request);
  if ('problem' in planned) return planned;
  if (options.isDraining()) return { problem: notNow('draining', 'This replica is shutting down: connect again.') };
  if (options.fanout.position === null) {
    return { problem: notNow('log_unavailable', 'The event log has not been reached yet: try again.') };
  }
  const outcome = await options.verifyToken(planned.plan.token);
  if (outcome.kind === 'unavailable') {
    return { problem: notNow('grant_unavailable', 'The grant of this token cannot be read now: try again.') };
  }
  if (outcome.kind === 'invalid' || !isStillThere(options.directory(), outcome.token)) {
    return { problem: unauthorized() };
  }
  return { token: outcome.token, format: planned.plan.format };
}

function isStillThere(directory: Directory, token: VerifiedToken): boolean {
  const account = directory.accounts.get(token.grant.account);
  return account !== undefined && isActive(account) && directory.userOf(account, token.username)?.enabled === true;
}

function notNow(code: string, detail: string): Problem {
  return { status: 503, code, detail, headers: { 'Retry-After': '2' } };
}

function full(): Problem {
  return {
    status: 429,
    code: 'too_many_connections',
    detail: 'This replica has no room for another connection: try again.',
    headers: { 'Retry-After': '5' },
  };
}
