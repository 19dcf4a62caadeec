import type { Socket } from 'node:net';
import type { AddressFaults } from './address-faults.ts';
import { acceptedSocket } from './client-address.ts';

/** The connections that are open, and the addresses to which those of no use are charged. */
export class OpenConnections {
  readonly #faults: AddressFaults;
  /** Null: however this one ends, it is nobody's fault. A connection without any bytes is a health check. */
  readonly #charged = new Map<object, string | null>();

  /** Shared: a closure, and what `once` wraps around it, would cost 300 bytes for each connection. */
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

  /** From now on it is a fault of the address (null: of nobody) unless it is excused. */
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
