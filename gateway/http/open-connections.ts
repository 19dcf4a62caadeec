import type { Socket } from 'node:net';
import type { AddressFaults } from './address-faults.ts';
import { acceptedSocket } from './client-address.ts';

/** The open connections, and the addresses to which useless ones are charged. */
export class OpenConnections {
  readonly #faults: AddressFaults;
  /** Null: the end of this connection is not a fault. A connection without any bytes is a health check. */
  readonly #charged = new Map<object, string | null>();

  /** Shared: a closure, and the wrapper of `once` around it, would cost 300 bytes for each connection. */
  readonly #onClose = removerOf(this);

  constructor(faults: AddressFaults) {
    this.#faults = faults;
  }

  add(socket: Socket): void {
    this.#charged.set(socket, null);
    socket.on('close', this.#onClose);
  }

  remove(socket: Socket): void {
    const address = this.#charged.get(socket) ?? null;
    this.#charged.delete(socket);
    if (address !== null) this.#faults.note(address, performance.now());
  }

  /** From now on the connection counts as a fault of the address (null: of none) unless it is excused. */
  judge(socket: Socket, address: string | null): void {
    this.#charged.set(socket, address);
  }

  excuse(socket: object): void {
    const accepted = acceptedSocket(socket);
    if (this.#charged.has(accepted)) this.#charged.set(accepted, null);
  }

  destroy(): void {
    for (const socket of this.#charged.keys()) (socket as Socket).destroy();
  }
}

function removerOf(open: OpenConnections) {
  return function remove(this: Socket): void {
    open.remove(this);
  };
}
