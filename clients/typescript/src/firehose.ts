import { GroupStream } from './group.ts';
import { judgeOptions, type FirehoseOptions, type GroupOptions, type StreamOptions } from './options.ts';
import { EventStream } from './stream.ts';
import { webTransport, type OpenTransport, type Transport } from './transport.ts';

/**
 * A client of one gateway. Each stream and group has a connection of its own. Throws a FirehoseError with the code
 * `invalid_option` for options that contradict each other.
 */
export class Firehose {
  // Private, so that no log of this object holds the password (L10).
  readonly #options: FirehoseOptions;
  readonly #transport: OpenTransport;

  constructor(options: FirehoseOptions) {
    judgeOptions(options);
    this.#options = options;
    this.#transport = options.ca === undefined ? () => Promise.resolve(webTransport) : withAuthority(options.ca);
  }

  /** Events of the login's scope. Begins with the first call of `next`. */
  stream(options: StreamOptions = {}): EventStream {
    return new EventStream(this.#options, this.#transport, options);
  }

  /** Deliveries of a durable group, whose position the gateway keeps. */
  group(name: string, options: GroupOptions = {}): GroupStream {
    return new GroupStream(this.#options, this.#transport, name, options);
  }
}

/** Of Node.js alone: loaded when it is first needed. */
function withAuthority(ca: string | Uint8Array): OpenTransport {
  let loading: Promise<Transport> | null = null;
  return () => (loading ??= import('./node-transport.ts').then(({ nodeTransport }) => nodeTransport(ca)));
}
