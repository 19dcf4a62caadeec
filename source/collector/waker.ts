/** Lets one loop sleep until there is work. */
export interface Waker {
  wake(): void;
  /** Resolves at the next `wake`, at once when one came since the last wait, or after this time. */
  sleep(milliseconds: number): Promise<void>;
}

export function createWaker(): Waker {
  let isAwake = false;
  let rouse: (() => void) | null = null;
  return {
    wake() {
      isAwake = true;
      rouse?.();
    },
    sleep(milliseconds) {
      if (isAwake) {
        isAwake = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const timer = setTimeout(end, milliseconds);
        function end() {
          clearTimeout(timer);
          rouse = null;
          isAwake = false;
          resolve();
        }
        rouse = end;
      });
    },
  };
}
