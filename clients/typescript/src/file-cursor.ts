import { open, readFile, rename } from 'node:fs/promises';
import type { CursorStore } from './cursor-store.ts';

const CURSOR = /^[A-Za-z0-9_-]{1,2048}$/;

/**
 * Keeps the cursor in a file (Node.js, Deno, Bun). A new file is written beside it and renamed, so that after a crash
 * it has the new cursor or the previous one. A file with other content is an error.
 */
export function fileCursor(path: string): CursorStore {
  return {
    async load() {
      let text: string;
      try {
        text = (await readFile(path, 'utf8')).trim();
      } catch (error) {
        if ((error as { code?: unknown }).code === 'ENOENT') return null;
        throw error;
      }
      if (!CURSOR.test(text)) throw new Error(`${path} holds no cursor`);
      return text;
    },
    async save(cursor) {
      const draft = `${path}.new`;
      const file = await open(draft, 'w');
      try {
        await file.writeFile(cursor);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
    },
  };
}
