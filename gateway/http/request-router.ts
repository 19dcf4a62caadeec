import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { AddressAllowance } from './address-allowance.ts';
import { connectionAddress, type AddressOf } from './client-address.ts';
import { createTurns } from './event-loop-turns.ts';
import type { Limits } from './limits.ts';
import { TOO_MANY_REQUESTS } from './listener-problems.ts';
import { PROBLEM_TYPE, problemBody, type Problem } from './problem.ts';
import { refuseOnSocket } from './refuse-upgrade.ts';
import { checkForm } from './request-form.ts';
import type { RequestGate } from './request-gate.ts';

/** What happens to a request that may be routed. */
export interface Routes {
  readonly addressOf: AddressOf;
  readonly app: (request: IncomingMessage, response: ServerResponse) => void;
  /** Owns the socket from here on. Settles to whether a WebSocket was opened. */
  readonly onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => Promise<boolean>;
}

export interface RouterOptions {
  readonly routes: Routes;
  readonly allowance: AddressAllowance;
  readonly events: {
    readonly onAnswer: (status: number) => void;
    readonly unexpected: (error: unknown) => void;
  };
}

/** Takes the requests of all connections, one at a time of each, checks what holds for all of them, and routes them. */
export class RequestRouter {
  readonly #options: RouterOptions;
  readonly #limits: Limits;
  readonly #turns = createTurns();

  constructor(options: RouterOptions, limits: Limits) {
    this.#options = options;
    this.#limits = limits;
  }

  /** `forced` is the answer whatever is asked for. */
  request(request: IncomingMessage, response: ServerResponse, forced: Problem | null): void {
    const gate = gateOf(request);
    watchAnswer(response, this.#options.events.onAnswer);
    const run = () => {
      if (gate.destroyed) return;
      if (gate.isLast) response.shouldKeepAlive = false;
      const address = this.#options.routes.addressOf(request);
      const problem = this.#judge(request, address, forced);
      if (problem !== null) return answer(response, problem);
      if (request.method === 'POST') {
        response.once('finish', () => {
          if (response.statusCode === 200) this.#giveBack(address);
        });
      }
      return this.#options.routes.app(request, response);
    };
    gate.begin(request, response, () => this.#turns(run));
  }

  upgrade(request: IncomingMessage, head: Buffer, forced: Problem | null): void {
    const { routes, events } = this.#options;
    gateOf(request).beginUpgrade(request, head, (socket, rest) => {
      const cut = () => socket.destroy();
      socket.on('error', cut);
      this.#turns(() => {
        const address = routes.addressOf(request);
        const problem = this.#judge(request, address, forced);
        if (problem !== null) {
          events.onAnswer(problem.status);
          refuseOnSocket(socket, problem);
          return;
        }
        socket.off('error', cut);
        void this.#open(request, socket, rest);
      });
    });
  }

  /** Never rejects. */
  async #open(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const { routes, events } = this.#options;
    try {
      if (await routes.onUpgrade(request, socket, head)) this.#giveBack(routes.addressOf(request));
    } catch (error) {
      events.unexpected(error);
      socket.destroy();
    }
  }

  #judge(request: IncomingMessage, address: string, forced: Problem | null): Problem | null {
    // The token of a connection covers its first request.
    const isCovered = gateOf(request).isFirst && address === connectionAddress(request);
    if (!isCovered && !this.#options.allowance.take(address, performance.now())) return TOO_MANY_REQUESTS;
    return forced ?? checkForm(request, this.#limits.headers);
  }

  #giveBack(address: string): void {
    this.#options.allowance.giveBack(address, performance.now());
  }
}

/**
 * Reports the answer's status, and ends the connection behind every answer of the 400s. On the response itself, as
 * Express gives it another prototype.
 */
function watchAnswer(response: ServerResponse, onAnswer: (status: number) => void): void {
  const writeHead = response.writeHead.bind(response) as (status: number, ...rest: unknown[]) => ServerResponse;
  response.writeHead = (status: number, ...rest: unknown[]) => {
    onAnswer(status);
    if (status >= 400 && status < 500) {
      const said = response.getHeader('Connection');
      response.setHeader('Connection', said === undefined ? 'close' : `${String(said)}, close`);
    }
    return writeHead(status, ...rest);
  };
}

function answer(response: ServerResponse, problem: Problem): void {
  response.writeHead(problem.status, {
    'Content-Type': PROBLEM_TYPE,
    'Cache-Control': 'no-store',
    ...problem.headers,
  });
  response.end(problemBody(problem));
}

function gateOf({ socket }: IncomingMessage): RequestGate {
  return socket as unknown as RequestGate;
}
