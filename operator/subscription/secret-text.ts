import { secretValue } from '../../runtime/files/secret-value.ts';
import { decodeText, unreadable } from '../../runtime/files/text-file.ts';
import type { KubeObject } from '../kubernetes/objects.ts';

/** One key of a Secret as a gateway reads the file of it (I17), or why it cannot be read. Null when it is not there. */
export function readSecret(
  secret: KubeObject | null,
  key: string,
): { readonly text: string } | { readonly fault: string } | null {
  const data = secret?.['data'];
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, key)) return null;
  const value = (data as Record<string, unknown>)[key];
  if (typeof value !== 'string') return null;
  try {
    return { text: decodeText(Buffer.from(value, 'base64')) };
  } catch (error) {
    return { fault: unreadable(error) };
  }
}

/** One key of a Secret, decoded. Null when it is not there or cannot be read. */
export function secretText(secret: KubeObject | null, key: string): string | null {
  const read = readSecret(secret, key);
  return read !== null && 'text' in read ? read.text : null;
}

/** One value of one line, as a gateway reads it (I17). Null when it is absent or cannot be used. */
export function valueOf(secret: KubeObject | null, key: string): string | null {
  const read = secretValue(secretText(secret, key) ?? '');
  return 'value' in read ? read.value : null;
}
