import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { guardedSocket } from './guarded-socket.ts';
import type { AddressPolicy } from './address-guard.ts';

/** An agent for HTTP or HTTPS whose every connection goes through the guard. */
export function guardedAgent(protocol: string, policy: AddressPolicy): http.Agent {
  return protocol === 'https:' ? new GuardedHttps(policy) : new GuardedHttp(policy);
}

class GuardedHttp extends http.Agent {
  readonly #policy: AddressPolicy;

  constructor(policy: AddressPolicy) {
    super({ keepAlive: true });
    this.#policy = policy;
  }

  override createConnection(options: http.ClientRequestArgs): Duplex {
    return guardedSocket({ host: hostOf(options), port: Number(options.port), tls: null }, this.#policy);
  }
}

class GuardedHttps extends https.Agent {
  readonly #policy: AddressPolicy;

  constructor(policy: AddressPolicy) {
    super({ keepAlive: true });
    this.#policy = policy;
  }

  override createConnection(options: http.ClientRequestArgs & https.AgentOptions): Duplex {
    const host = hostOf(options);
    const tls = { servername: host, ...options, host, port: Number(options.port) };
    return guardedSocket({ host, port: Number(options.port), tls }, this.#policy);
  }
}

function hostOf({ host, hostname }: http.ClientRequestArgs): string {
  return (host ?? hostname ?? '').replace(/^\[|\]$/g, '');
}
