import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** The text of a certificate or private key in PEM form, or why it cannot be used. `name` is for the fault. Empty: no path. */
export async function readPem(
  name: string,
  path: string | null,
  what: 'certificate' | 'key',
): Promise<{ readonly text: string; readonly fault: string | null }> {
  if (path === null) return { text: '', fault: null };
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return { text: '', fault: `${name}: ${path} cannot be read (${code})` };
  }
  try {
    void (what === 'key' ? createPrivateKey(text) : new X509Certificate(text));
    return { text, fault: null };
  } catch {
    const expected = what === 'key' ? 'an unencrypted private key' : 'a certificate';
    return { text: '', fault: `${name}: ${path} does not hold ${expected} in PEM form` };
  }
}

export function belongTogether(cert: string, key: string): boolean {
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}
