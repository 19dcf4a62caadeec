import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf, type AddressAllowance } from './address-allowance.ts';
import type { AddressFaults } from './address-faults.ts';
import { connectionAddress, type AddressOf } from './client-address.ts';
import type { Turns } from './event-loop-turns.ts';
import type { Work } from './lanes.ts';
import type { Limits } from './limits.ts';
import { TOO_MANY_REQUESTS } from './listener-problems.ts';
import type { Problem } from './problem.ts';
import { refuseOnSocket } from './refuse-upgrade.ts';
import { checkForm } from './request-form.ts';
import type { RequestGate } from './request-gate.ts';
import { sendProblem } from './respond.ts';

/** What happens to a request that may be routed. */
export interface Routes {
  readonly addressOf: AddressOf;
  readonly app: (request: IncomingMessage, response: ServerResponse) => void;
  /** Owns the socket from here on. Settles to the status of the answer: 101 for a WebSocket that was opened. */
  readonly onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => Promise<number>;
  /** Server-Sent Events: the answer is a stream on the connection itself. */
  readonly events: EventStreamRoute;
}

interface EventStreamRoute {
  /** Whether a request asks for it. */
  readonly isMeant: (request: IncomingMessage) => boolean;
  /** Owns the socket from here on. Settles to the status of the answer: 200 for a stream that was opened. */
  readonly open: (request: IncomingMessage, socket: Socket) => Promise<number>;
  readonly refuse: (request: IncomingMessage, socket: Socket, problem: Problem) => void;
}

export interface RouterOptions {
  readonly routes: Routes;
  readonly allowance: AddressAllowance;
  readonly faults: AddressFaults;
  readonly turns: Turns;
  /** The connection of this request is not a fault of its address, however it ends. */
  readonly excuse: (request: IncomingMessage) => void;
  readonly events: {
    readonly onAnswer: (status: number) => void;
    readonly unexpected: (error: unknown) => void;
  };
}

/** Receives the requests of all connections, one at a time for each, checks the common rules, and routes them. */
export class RequestRouter {
  readonly #options: RouterOptions;
  readonly #limits: Limits;

  constructor(options: RouterOptions, limits: Limits) {
    this.#options = options;
    this.#limits = limits;
  }

  /** `forced` is the answer to any request. */
  request(request: IncomingMessage, response: ServerResponse, forced: Problem | null): void {
    const gate = gateOf(request);
    watchAnswer(response, (status) => {
      this.#options.events.onAnswer(status);
      if (status >= 400) this.#refused(request, status);
    });
    const refuse = (problem: Problem) => {
      if (this.#options.routes.events.isMeant(request)) this.#refuseStream(request, problem);
      else sendProblem(response, problem);
    };
    const run = () => {
      if (gate.destroyed) return false;
      if (gate.isLast) response.shouldKeepAlive = false;
      const problem = this.#judge(request, forced);
      const { events } = this.#options.routes;
      if (problem !== null) refuse(problem);
      else if (events.isMeant(request)) {
        void this.#open(request, handOver(gate), (socket) => events.open(request, socket));
      } else this.#route(request, response);
      return true;
    };
    gate.begin(request, response, () => {
      if (!this.#inTurn(request, run)) refuse(TOO_MANY_REQUESTS);
    });
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'POST') {
      response.once('finish', () => {
        if (response.statusCode === 200) this.#succeeded(request);
      });
    }
    this.#options.routes.app(request, response);
  }

  /** An EventSource would never reconnect after another status than 200. */
  #refuseStream(request: IncomingMessage, problem: Problem): void {
    this.#options.events.onAnswer(problem.status);
    this.#refused(request, problem.status);
    this.#options.routes.events.refuse(request, handOver(gateOf(request)), problem);
  }

  upgrade(request: IncomingMessage, head: Buffer, forced: Problem | null): void {
    gateOf(request).beginUpgrade(head, (socket, rest) => {
      const cut = () => socket.destroy();
      socket.on('error', cut);
      const refuse = (problem: Problem) => {
        this.#options.events.onAnswer(problem.status);
        this.#refused(request, problem.status);
        refuseOnSocket(socket, problem);
      };
      const run = () => {
        if (socket.destroyed) return false;
        const problem = this.#judge(request, forced);
        if (problem === null) {
          socket.off('error', cut);
          void this.#open(request, socket, () => this.#options.routes.onUpgrade(request, socket, rest));
        } else refuse(problem);
        return true;
      };
      if (!this.#inTurn(request, run)) refuse(TOO_MANY_REQUESTS);
    });
  }

  /** Never rejects. */
  async #open(request: IncomingMessage, socket: Socket, open: (socket: Socket) => Promise<number>): Promise<void> {
    const { events } = this.#options;
    try {
      const status = await open(socket);
      if (OPENED.has(status)) this.#succeeded(request);
      // Its token was verified: a full quota or replica is not the client's fault.
      else if (status === 429) this.#options.excuse(request);
      else this.#refused(request, status);
    } catch (error) {
      events.unexpected(error);
      socket.destroy();
    }
  }

  /** False: there is no room for it. A connection's first request has waited as a handshake. */
  #inTurn(request: IncomingMessage, run: Work): boolean {
    const { turns, faults } = this.#options;
    const address = this.#addressOf(request);
    const isFirst = this.#isFirst(request);
    const isSlow = !isFirst && faults.isSlowedDown(address, performance.now());
    if (isSlow) return turns.runSlowly(networkOf(address), run);
    turns.run(networkOf(address), isFirst ? 'continue' : 'begin', run);
    return true;
  }

  #judge(request: IncomingMessage, forced: Problem | null): Problem | null {
    // The token of a connection covers its first request.
    const isCovered = this.#isFirst(request);
    const address = this.#addressOf(request);
    if (!isCovered && !this.#options.allowance.take(address, performance.now())) return TOO_MANY_REQUESTS;
    return forced ?? checkForm(request, this.#limits.headers);
  }

  /** The first request of a connection that belongs to its client. */
  #isFirst(request: IncomingMessage): boolean {
    return gateOf(request).isFirst && !this.#isForwarded(request);
  }

  #isForwarded(request: IncomingMessage): boolean {
    return this.#addressOf(request) !== connectionAddress(request);
  }

  #succeeded(request: IncomingMessage): void {
    this.#options.allowance.giveBack(this.#addressOf(request), performance.now());
    this.#options.excuse(request);
  }

  /** A fault of this side is not the client's. On a proxy's connection, each request is judged instead. */
  #refused(request: IncomingMessage, status: number): void {
    if (status >= 500) this.#options.excuse(request);
    else if (status >= 400 && this.#isForwarded(request)) {
      this.#options.faults.note(this.#addressOf(request), performance.now());
    }
  }

  #addressOf(request: IncomingMessage): string {
    return this.#options.routes.addressOf(request);
  }
}

/** A WebSocket, a stream of Server-Sent Events, and a finished stream. */
const OPENED: ReadonlySet<number> = new Set([101, 200, 204]);

/**
 * Reports the answer's status, and ends the connection after every 4xx answer. Set on the response itself, because
 * Express gives it another prototype.
 */
function watchAnswer(response: ServerResponse, onAnswer: (status: number) => void): void {
  const writeHead = response.writeHead.bind(response) as (status: number, ...rest: unknown[]) => ServerResponse;
  // Not assigned directly: the engine allocates such a function as an old object, and everything that it references.
  const watched = (status: number, ...rest: unknown[]): ServerResponse => {
    onAnswer(status);
    if (status >= 400 && status < 500) {
      const said = response.getHeader('Connection');
      response.setHeader('Connection', said === undefined ? 'close' : `${String(said)}, close`);
    }
    return writeHead(status, ...rest);
  };
  response.writeHead = watched;
}

function gateOf({ socket }: IncomingMessage): RequestGate {
  return socket as unknown as RequestGate;
}

/** The stream judges the data after the request. */
function handOver(gate: RequestGate): Socket {
  const { socket, rest } = gate.handOver();
  if (rest.length > 0) socket.unshift(rest);
  return socket;
}
