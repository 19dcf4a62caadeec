import type { Problem } from './problem.ts';
import { createServer, type Server, type Socket } from 'node:net';
import { createIsTrusted, rememberProxied } from './client-address.ts';
import { Deadlines } from './deadlines.ts';
import { judgeFirstBytes, type Expected, type Mismatch } from './first-bytes.ts';
import type { Work } from './lanes.ts';
import { refuseOnSocket } from './refuse-upgrade.ts';

export interface FrontOptions {
  readonly expected: Expected;
  /** Peers that may send a PROXY header, and whose connections are not limited by their own address. */
  readonly trustedProxies: readonly string[];
  /** A connection that has not sent its first bytes by then is cut off. */
  readonly firstBytesMs: number;
  /** Whether an address may open another connection. */
  readonly admit: (address: string) => boolean;
  /** A connection was cut off because of its first bytes. */
  readonly onMismatch: (mismatch: Mismatch, address: string) => void;
  /**
   * Runs `start` in the turn of the address (null: of all proxies): many simultaneous connections must not delay
   * events. False: it never runs.
   */
  readonly inTurn: (address: string | null, start: Work) => boolean;
  /** `first` are the bytes that were read. */
  readonly accept: (socket: Socket, address: string | null, first: Buffer) => void;
}

/**
 * Accepts connections, reads their first bytes, and passes on those that begin as this port expects: with a PROXY
 * header if configured, then with TLS or without it. A connection without any bytes is a health check.
 */
export function createFront(options: FrontOptions): Server {
  const isTrusted = createIsTrusted(options.trustedProxies);
  const deadlines = new Deadlines<Arrival>(options.firstBytesMs, (arrival) => arrival.expire());
  return createServer({ noDelay: true, allowHalfOpen: !options.expected.tls }, (socket) => {
    socket.on('error', cut);
    const peer = socket.remoteAddress ?? '';
    const isProxy = isTrusted(peer);
    if (options.expected.proxyHeader && !isProxy) {
      options.onMismatch('proxy_not_trusted', peer);
      socket.destroy();
    } else if (!isProxy && !options.admit(peer)) socket.destroy();
    else new Arrival(socket, { peer, isProxy }, { options, deadlines }).begin();
  });
}

function cut(this: Socket): void {
  this.destroy();
}

interface Peer {
  readonly peer: string;
  readonly isProxy: boolean;
}

/** Shared by all arrivals of a port. */
interface Port {
  readonly options: FrontOptions;
  readonly deadlines: Deadlines<Arrival>;
}

const NOTHING: Buffer = Buffer.alloc(0);
/**
 * The arrival of a connection, for the listeners that all of them share: closures would cost memory for each handshake.
 */
const ARRIVAL = Symbol('arrival');
type Arriving = Socket & { readonly [ARRIVAL]?: Arrival };

function onArriving(run: (arrival: Arrival) => void) {
  return function listener(this: Socket): void {
    const arrival = (this as Arriving)[ARRIVAL];
    if (arrival !== undefined) run(arrival);
  };
}

/** A connection until its first bytes show its protocol. */
class Arrival {
  readonly #socket: Socket;
  readonly #peer: Peer;
  readonly #port: Port;
  #bytes = NOTHING;

  constructor(socket: Socket, peer: Peer, port: Port) {
    this.#socket = socket;
    this.#peer = peer;
    this.#port = port;
  }

  static readonly #onReadable = onArriving((arrival) => arrival.#read());
  static readonly #onClose = onArriving((arrival) => arrival.#stop());

  begin(): void {
    Object.assign(this.#socket, { [ARRIVAL]: this });
    this.#socket.on('readable', Arrival.#onReadable).on('close', Arrival.#onClose).on('end', cut);
    this.#port.deadlines.add(this);
  }

  /** It has sent too little for too long. */
  expire(): void {
    const { options } = this.#port;
    if (this.#bytes.length > 0 && options.expected.proxyHeader)
      options.onMismatch('proxy_header_missing', this.#peer.peer);
    this.#socket.destroy();
  }

  #read(): void {
    const socket = this.#socket;
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const { options } = this.#port;
    const verdict = judgeFirstBytes(this.#bytes, options.expected);
    if (verdict.kind === 'incomplete') return;
    this.#stop();
    if (verdict.kind === 'mismatch') return this.#refuse(verdict.mismatch);
    if (verdict.address !== null) {
      rememberProxied(socket, verdict.address);
      if (!options.admit(verdict.address)) return void socket.destroy();
    }
    const { peer, isProxy } = this.#peer;
    const from = verdict.address ?? (isProxy ? null : peer);
    if (!options.inTurn(from, turn(this.#bytes.subarray(verdict.headerLength), socket, from, options)))
      socket.destroy();
  }

  #refuse(mismatch: Mismatch): void {
    this.#port.options.onMismatch(mismatch, this.#peer.peer);
    if (mismatch === 'tls_missing') refuseOnSocket(this.#socket, TLS_REQUIRED);
    else this.#socket.destroy();
  }

  #stop(): void {
    const socket = this.#socket;
    this.#port.deadlines.delete(this);
    socket.off('readable', Arrival.#onReadable).off('close', Arrival.#onClose).off('end', cut);
    Object.assign(socket, { [ARRIVAL]: undefined });
  }
}

/** Passes on the connection; false when it has closed in the meantime. */
function turn(first: Buffer, socket: Socket, from: string | null, { accept }: FrontOptions): Work {
  return () => {
    socket.off('error', cut);
    if (socket.destroyed) return false;
    accept(socket, from, first);
    return true;
  };
}

const TLS_REQUIRED: Problem = {
  status: 400,
  code: 'tls_required',
  detail: 'This port speaks HTTPS and WSS: use https:// or wss:// instead of http:// or ws://.',
};
