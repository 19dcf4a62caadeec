import type { KubeObject } from '../kubernetes/objects.ts';

/** One key of a Secret, decoded. Null when it is not there. */
export function secretText(secret: KubeObject | null, key: string): string | null {
  const data = secret?.['data'];
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, key)) return null;
  const value = (data as Record<string, unknown>)[key];
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : null;
}
