import { randomBytes } from 'node:crypto';
import type { Subscription } from '../../protocol/subscription.ts';
import { apiVersionOf, SECRETS, type KubeObject } from '../kubernetes/objects.ts';
import { labelsOf, namesOf, ownerOf } from '../resources/rendering.ts';
import { valueOf } from './secret-text.ts';

const KEY = 'token';
const TOKEN_BYTES = 32;

/** The token that administrators present to any replica. A token that is in the Secret already is kept. */
export function adminToken(
  input: { readonly subscription: Subscription; readonly uid: string },
  secret: KubeObject | null,
): { readonly token: string; readonly change: KubeObject | null } {
  const kept = valueOf(secret, KEY);
  if (kept !== null) return { token: kept, change: null };
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const { name, namespace } = input.subscription.metadata;
  const change = {
    apiVersion: apiVersionOf(SECRETS),
    kind: SECRETS.kind,
    metadata: {
      name: namesOf(name).adminToken,
      namespace,
      labels: labelsOf(name),
      ownerReferences: [ownerOf(input)],
    },
    type: 'Opaque',
    data: { [KEY]: Buffer.from(`${token}\n`).toString('base64') },
  };
  return { token, change };
}
