import { SwitchFault } from '../../switch.ts';

/** Answers that are waited for, by the id of their request. */
export interface Answers<Answer> {
  /** Sends by `send` and waits at most `limitMs`. Rejects with a SwitchFault, or with the signal's reason. */
  wait(send: (id: string) => unknown, limitMs: number, signal?: AbortSignal): Promise<Answer>;
  give(id: string, answer: Answer): void;
  isAwaited(id: string): boolean;
  /** Whether this is an id of a wait, present or past. */
  isMine(id: string): boolean;
  /** Something was received: no wait ends as `Silent` before its limit has passed once more. */
  noteLife(): void;
  /** When something was received. Unix milliseconds. */
  readonly heardAt: number;
  /** Ends every wait, present and future. The first call counts. */
  end(fault: SwitchFault): void;
}

interface Wait<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

const PREFIX = 'firehose-';

/** `where`: the switch, for the text of a fault. `now`: Unix milliseconds. */
export function createAnswers<Answer>(where: string, now: () => number): Answers<Answer> {
  const waits = new Map<string, Wait<Answer>>();
  let count = 0;
  // A clock that is set must not end a connection.
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
      // A process that stood still runs its timers before it reads what has arrived.
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
