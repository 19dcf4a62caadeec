import { Redis, type RedisOptions } from 'ioredis';
import { reconnectDelay } from './reconnect-delay.ts';

/**
 * A client that ends with `disconnect()` and with nothing else. The library's own ends for good, whatever its retry
 * strategies say, when the news of a failover comes while it is looking for the master: what it was asked from then on
 * was refused until the process was started again.
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
