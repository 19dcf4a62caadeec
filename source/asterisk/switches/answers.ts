import { SwitchFault } from '../../switch.ts';

/** Pending answers, by the id of their request. */
export interface Answers<Answer> {
  /** Calls `send` and waits at most `limitMs`. Rejects with a SwitchFault, or with the signal's reason. */
  wait(send: (id: string) => unknown, limitMs: number, signal?: AbortSignal): Promise<Answer>;
  give(id: string, answer: Answer): void;
  isAwaited(id: string): boolean;
  /** Whether this id belongs to a present or past wait. */
  isMine(id: string): boolean;
  /** Records a receipt: no wait ends as `Silent` before a full limit has passed after it. */
  noteLife(): void;
  /** Last receipt, Unix milliseconds. */
  readonly heardAt: number;
  /** Ends every present and future wait. Only the first call has an effect. */
  end(fault: SwitchFault): void;
}

interface Wait<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

const PREFIX = 'firehose-';

/** `where`: name of the switch in the text of a fault. `now`: Unix milliseconds. */
export function createAnswers<Answer>(where: string, now: () => number): Answers<Answer> {
  const waits = new Map<string, Wait<Answer>>();
  let count = 0;
  // A change of the system clock must not end a connection.
  let livedAt = performance.now();
  let heardAt = now();
  let ended: SwitchFault | null = null;

  return {
    async wait(send, limitMs, signal) {
      signal?.throwIfAborted();
      if (ended !== null) throw ended;
      count += 1;
      const id = `${PREFIX}${count}`;
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      waits.set(id, { resolve, reject });
      const judge = () => {
        if (!waits.has(id)) return;
        const left = livedAt + limitMs - performance.now();
        if (left > 0) timer = setTimeout(expire, left);
        else reject(new SwitchFault('Silent', `${where}: no answer for ${limitMs} ms`));
      };
      // After a pause, a process runs its timers before it reads data that has arrived.
      const expire = () => setImmediate(judge);
      let timer = setTimeout(expire, limitMs);
      const stop = () => reject(signal?.reason);
      signal?.addEventListener('abort', stop, { once: true });
      try {
        send(id);
        return await promise;
      } finally {
        waits.delete(id);
        clearTimeout(timer);
        signal?.removeEventListener('abort', stop);
      }
    },
    give: (id, answer) => waits.get(id)?.resolve(answer),
    isAwaited: (id) => waits.has(id),
    isMine: (id) => id.startsWith(PREFIX),
    noteLife() {
      livedAt = performance.now();
      heardAt = now();
    },
    get heardAt() {
      return heardAt;
    },
    end(fault) {
      ended ??= fault;
      for (const { reject } of waits.values()) reject(ended);
    },
  };
}
