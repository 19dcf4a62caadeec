/** A pooled buffer of the requested length and the function that returns it to the pool. */
export interface ScratchLease {
  readonly chunk: Buffer;
  readonly release: (() => void) | null;
}

const SMALLEST = 4 * 1024;
const CLASSES = 7;
const KEPT_BYTES_A_CLASS = 8 * 1024 * 1024;

/**
 * Buffers for views of one connection, reused instead of allocated. A buffer returns to the pool as soon as the socket
 * holds nothing of it. If the kernel took it whole, that is at once, so that it is still in the CPU cache for the next
 * connection; else in the write's callback (under TLS every write is still held when it returns). Releasing it twice
 * has no further effect.
 */
export class Scratch {
  readonly #free: Buffer[][] = Array.from({ length: CLASSES }, () => []);

  take(length: number): ScratchLease {
    const size = SMALLEST << sizeClass(length);
    const pool = this.#free[sizeClass(length)];
    if (pool === undefined || length > size) return { chunk: Buffer.allocUnsafeSlow(length), release: null };
    const whole = pool.pop() ?? Buffer.allocUnsafeSlow(size);
    let held = true;
    const release = () => {
      if (held && (pool.length + 1) * size <= KEPT_BYTES_A_CLASS) pool.push(whole);
      held = false;
    };
    return { chunk: whole.subarray(0, length), release };
  }
}

function sizeClass(length: number): number {
  return length <= SMALLEST ? 0 : 32 - Math.clz32((length - 1) >>> 12);
}
