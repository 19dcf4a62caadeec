import { secretValue } from '../../runtime/files/secret-value.ts';
import type { KubeObject } from '../kubernetes/objects.ts';

/** One key of a Secret, decoded. Null when it is absent. */
export function secretText(secret: KubeObject | null, key: string): string | null {
  const data = secret?.['data'];
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, key)) return null;
  const value = (data as Record<string, unknown>)[key];
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : null;
}

/** One value of one line, as a gateway reads it (I17). Null when it is absent or cannot be used. */
export function valueOf(secret: KubeObject | null, key: string): string | null {
  const read = secretValue(secretText(secret, key) ?? '');
  return 'value' in read ? read.value : null;
}
