import { Redis, type RedisOptions } from 'ioredis';
import { reconnectDelay } from './reconnect-delay.ts';

/**
 * A client that ends only with `disconnect()`. The library's client ends permanently, despite its retry strategies,
 * when it is notified of a failover while it searches for the master: it then refused all commands until the process
 * was restarted.
 */
export class LastingRedis extends Redis {
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RedisOptions & { replyMapping: 'legacy' }) {
    super(options);
    this.on('end', () => {
      if (this.#isOver) return;
      this.#timer = setTimeout(() => {
        // A failure ends it again, and is reported as an error.
        if (!this.#isOver && this.status === 'end') void this.connect().catch(() => undefined);
      }, reconnectDelay(1));
    });
  }

  override disconnect(reconnect = false): void {
    if (!reconnect) {
      this.#isOver = true;
      clearTimeout(this.#timer);
    }
    super.disconnect(reconnect);
  }
}
