import type { Logger } from '../../../runtime/logging/logger.ts';
import type { Book } from './book.ts';
import type { ServedAccount, ServedEntries } from './entries.ts';
import type { ServerMetrics } from './metrics.ts';

/** The platform does not answer, or its answer is not a directory. Holds no credential. */
export class SourceUnavailable extends Error {
  override readonly name = 'SourceUnavailable';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Changes of accounts; null for a removed one. */
export type AccountChanges = ReadonlyMap<string, ServedAccount | null>;

/**
 * Takes what a platform gives. What cannot be read leaves what is served, with a line in the log; then false is returned.
 * Both reject with any other error.
 */
export interface Feed {
  /** The whole directory. One call at a time. */
  replace(read: () => Promise<ServedEntries>): Promise<boolean>;
  /** Changes; also while a whole directory is being read. */
  change(read: () => Promise<AccountChanges>): Promise<boolean>;
}

export interface FeedParts {
  readonly book: Book;
  /** Notifies gateways of a new version. */
  readonly push: () => void;
  readonly metrics: Pick<ServerMetrics, 'read'>;
  readonly logger: Logger;
}

export function createFeed({ book, push, metrics, logger }: FeedParts): Feed {
  let told = '';
  let isReplacing = false;
  const waiting: AccountChanges[] = [];
  const note = (isChanged: boolean) => {
    if (!isChanged) return;
    logger.info(book.size, 'a new directory is served');
    push();
  };
  const guarded = async (work: () => Promise<void>) => {
    try {
      await work();
      told = '';
      return true;
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      metrics.read(error.code, Date.now());
      if (error.message !== told) logger.error({ code: error.code }, `the directory stays as it was: ${error.message}`);
      told = error.message;
      return false;
    }
  };
  return {
    replace: (read) =>
      guarded(async () => {
        const entries = await read();
        isReplacing = true;
        const isChanged = await book.replace(entries);
        isReplacing = false;
        metrics.read(isChanged ? 'changed' : 'unchanged', Date.now());
        note(isChanged);
        for (const accounts of waiting.splice(0)) note(book.change(accounts));
      }),
    change: (read) =>
      guarded(async () => {
        const accounts = await read();
        if (isReplacing) waiting.push(accounts);
        else note(book.change(accounts));
      }),
  };
}
