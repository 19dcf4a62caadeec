import { z } from 'zod';
import type { KubeObject } from '../kubernetes/objects.ts';
import { secretText } from './secret-text.ts';

export const KEYS_FILE = 'signing-keys.json';

const jwks = z.array(z.looseObject({ kid: z.string().min(1), alg: z.enum(['HS256', 'EdDSA', 'ES256']) })).min(1);

/** Ids of keys that the platform rotates, the signing one first. Null for keys that gateways cannot read. */
export function readForeignKeys(secret: KubeObject | null): readonly string[] | null {
  try {
    return jwks.parse(JSON.parse(secretText(secret, KEYS_FILE) ?? '')).map(({ kid }) => kid);
  } catch {
    return null;
  }
}
