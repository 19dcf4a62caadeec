import { LiveCalls } from './calls.ts';
import { GroupStream } from './group.ts';
import {
  judgeOptions,
  type CallsOptions,
  type FirehoseOptions,
  type GroupOptions,
  type StreamOptions,
} from './options.ts';
import { EventStream } from './stream.ts';
import type { Trust } from './node-transport.ts';
import { webTransport, type OpenTransport, type Transport } from './transport.ts';

/**
 * A client of one gateway. Each stream and group has a connection of its own. Throws a FirehoseError with the code
 * `invalid_option` for contradictory options.
 */
export class Firehose {
  // Private, so that no log of this object contains the password (L10).
  readonly #options: FirehoseOptions;
  readonly #transport: OpenTransport;

  constructor(options: FirehoseOptions) {
    judgeOptions(options);
    this.#options = options;
    const { ca, insecure = false } = options;
    this.#transport = ca === undefined && !insecure ? () => Promise.resolve(webTransport) : ofNode({ ca, insecure });
  }

  /** Events of the login's scope. Connects at the first call of `next`. */
  stream(options: StreamOptions = {}): EventStream {
    return new EventStream(this.#options, this.#transport, options);
  }

  /** The live calls: a table that recovers by itself, and its changes. */
  calls({ signal }: CallsOptions = {}): LiveCalls {
    return new LiveCalls(this.stream({ snapshot: true, ...(signal !== undefined && { signal }) }));
  }

  /** Deliveries of a durable group, whose position the gateway keeps. */
  group(name: string, options: GroupOptions = {}): GroupStream {
    return new GroupStream(this.#options, this.#transport, name, options);
  }
}

/** Only in Node.js: loaded at its first use. */
function ofNode(trust: Trust): OpenTransport {
  let loading: Promise<Transport> | null = null;
  return () => (loading ??= import('./node-transport.ts').then(({ nodeTransport }) => nodeTransport(trust)));
}
