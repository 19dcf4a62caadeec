import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readText, unreadable } from './text-file.ts';

/**
 * The text of a certificate or private key in PEM form, or why it cannot be used. `name` is for the fault. An empty
 * path means none.
 */
export async function readPem(
  name: string,
  path: string | null,
  what: 'certificate' | 'key',
): Promise<{ readonly text: string; readonly fault: string | null }> {
  if (path === null) return { text: '', fault: null };
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    return { text: '', fault: `${name}: ${path} ${unreadable(error)}` };
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
