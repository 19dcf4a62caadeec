import { hashPassword, MAX_PASSWORD_BYTES } from '../gateway/auth/password.ts';
import { readSecret, type Terminal } from './terminal.ts';

/** Reads one password and prints its argon2id hash for the directory. Returns the exit code. */
export async function hashPasswordCommand(terminal: Terminal): Promise<number> {
  const password = await readSecret(terminal, 'Password');
  const bytes = Buffer.byteLength(password);
  if (bytes === 0 || bytes > MAX_PASSWORD_BYTES) {
    terminal.errors.write(`error: a password has 1 to ${MAX_PASSWORD_BYTES} bytes\n`);
    return 1;
  }
  terminal.output.write(`${await hashPassword(password)}\n`);
  return 0;
}
