import { Background } from '../../runtime/lifecycle/background.ts';
import type { Sender } from './sender.ts';

/** The senders of one kind of a resource on this replica. */
export interface Senders extends AsyncDisposable {
  readonly all: readonly Sender[];
  /** The directory, the scope or the privacy profiles have changed. */
  look(): void;
}

/** Starts senders; each joins its group as soon as Redis allows it. Owns them. */
export function startSenders(all: readonly Sender[]): Senders {
  const stop = new AbortController();
  const background = new Background();
  for (const sender of all) background.run(sender.run(stop.signal));
  return {
    all,
    look() {
      for (const sender of all) sender.look();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await background.settled();
      for (const sender of all) sender[Symbol.dispose]();
    },
  };
}
