import { text } from '../legs/event-body.ts';
import { SwitchFault, type SwitchListener, type SwitchReason } from '../switch.ts';

export const CORE_UUID = /^[0-9A-Fa-f-]{8,64}$/;

export interface NotedCore {
  /** A listener that forwards everything. */
  readonly listener: SwitchListener;
  /**
   * Resolves with the Core-UUID of the first event: a heartbeat at the latest. Rejects with a SwitchFault when the
   * connection ends or the limit passes first, and with the signal's reason.
   */
  core(ended: Promise<SwitchReason>, limitMs: number, signal: AbortSignal): Promise<string>;
}

/** For a user who may not run `global_getvar`: reads the values from events. */
export function noteCore(listener: SwitchListener): NotedCore {
  const first = Promise.withResolvers<string>();
  let isSeen = false;
  return {
    listener: {
      event(event) {
        const core = isSeen ? '' : text(event['Core-UUID']);
        if (CORE_UUID.test(core)) {
          isSeen = true;
          first.resolve(core);
        }
        listener.event(event);
      },
      malformed: (what) => listener.malformed(what),
    },
    async core(ended, limitMs, signal) {
      const { promise: failed, reject } = Promise.withResolvers<never>();
      const stop = () => reject(signal.reason as Error);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      const timer = setTimeout(() => {
        reject(new SwitchFault('AccessRefused', "The user's esl-allowed-api must have global_getvar"));
      }, limitMs);
      void ended.then((reason) => reject(new SwitchFault(reason, 'The connection ended before the first event')));
      try {
        return await Promise.race([first.promise, failed]);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
      }
    },
  };
}
