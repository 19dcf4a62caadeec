import { once } from 'node:events';
import type { Terminal } from '../terminal.ts';

/**
 * Writes to the standard output as fast as the reader reads. SIGINT, SIGTERM and the end of the reader (EPIPE: `| head
 * -1`) abort its signal: that is an end and not an error.
 */
export class Printer implements Disposable {
  readonly #output: Terminal['output'];
  readonly #abort = new AbortController();
  readonly #stop = () => this.stop();
  readonly #failed = (error: NodeJS.ErrnoException) => {
    this.#isGone = true;
    if (error.code !== 'EPIPE') this.#failure = error;
    this.#abort.abort();
  };
  #failure: Error | null = null;
  #isGone = false;

  constructor({ output }: Terminal) {
    this.#output = output;
    output.on('error', this.#failed);
    // A second signal ends the process at once.
    process.once('SIGINT', this.#stop);
    process.once('SIGTERM', this.#stop);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** No reader gets the last lines. */
  get isGone(): boolean {
    return this.#isGone;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Resolves when the reader can take more. Rejects when the output fails, except when the reader is gone. */
  async write(text: string): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.signal.aborted || this.#output.write(text)) return;
    await once(this.#output, 'drain', { signal: this.signal }).catch(() => undefined);
  }

  /**
   * Resolves once the written lines have left this process, or the reader is gone. Rejects when the output has failed.
   */
  async finish(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#isGone) return;
    await new Promise<void>((resolve) => this.#output.write('', () => resolve()));
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#stop);
    process.off('SIGTERM', this.#stop);
  }
}
