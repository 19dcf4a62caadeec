import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { hashPassword, MAX_PASSWORD_BYTES } from '../../gateway/auth/password.ts';

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream;
  /** Where the prompt goes: not into a file that takes the hash. */
  readonly errors: NodeJS.WritableStream;
}

/**
 * Reads one password (hidden at a terminal, or the first line of a pipe) and prints its argon2id hash for the
 * directory. Returns the exit code. A password is never an argument: those show in the process list.
 */
export async function hashPasswordCommand(terminal: Terminal): Promise<number> {
  const { input, output, errors } = terminal;
  const hidden = input.isTTY === true;
  if (hidden) errors.write('Password: ');
  const password = await firstLine(input, hidden);
  if (hidden) errors.write('\n');
  const bytes = Buffer.byteLength(password);
  if (bytes === 0 || bytes > MAX_PASSWORD_BYTES) {
    errors.write(`a password has 1 to ${MAX_PASSWORD_BYTES} bytes\n`);
    return 1;
  }
  output.write(`${await hashPassword(password)}\n`);
  return 0;
}

function firstLine(input: NodeJS.ReadableStream, hidden: boolean): Promise<string> {
  // As a terminal, readline switches the echo off; what it echoes itself goes nowhere.
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
