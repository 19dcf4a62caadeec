import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** `rows`: the height of a terminal. */
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly rows?: number };
  /** The stream for prompts and errors: not the output, which may be a file. */
  readonly errors: NodeJS.WritableStream;
}

/**
 * One secret: typed without an echo at a terminal, or the first line of a pipe. Secrets are never arguments, because
 * the process list shows those.
 */
export async function readSecret({ input, errors }: Terminal, prompt: string): Promise<string> {
  const hidden = input.isTTY === true;
  if (hidden) errors.write(`${prompt}: `);
  const secret = await firstLine(input, hidden);
  if (hidden) errors.write('\n');
  return secret;
}

function firstLine(input: NodeJS.ReadableStream, hidden: boolean): Promise<string> {
  // In terminal mode readline switches the echo off; its own echo is discarded.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: hidden });
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('close', () => resolve(''));
  });
}

/** External text on one line: characters that would move the cursor or end the column are shown as `?`. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
