/** One wait at a time, which a kick ends. A kick without a wait ends the next wait at once: none is missed. */
export class Waiting {
  #kicked = false;
  #end: (() => void) | null = null;

  kick(): void {
    this.#kicked = true;
    this.#end?.();
  }

  /** Until kicked, or until this time (monotonic, ms). */
  async until(time: number): Promise<void> {
    if (!this.#kicked) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, time - performance.now()));
        this.#end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#end = null;
    }
    this.#kicked = false;
  }
}
