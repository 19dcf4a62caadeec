import { createHash } from 'node:crypto';
import { restartView, type Subscription } from '../../protocol/subscription.ts';
import type { References } from './references.ts';

/**
 * Changes when the gateways' pods have to be replaced: with what they read at their start alone. Which fields these are is
 * said in the schema (`protocol/subscription/takes-effect.ts`). Secrets that are left out where there are none replace no
 * pod when a release brings them.
 */
export function restartHash(
  { spec }: Subscription,
  secrets: Pick<References, 'redis' | 'ingestToken' | 'otlpHeaders'> & { readonly adminToken: string | null },
): string {
  const read = [
    restartView(spec, 'cluster'),
    [secrets.redis, secrets.ingestToken, secrets.adminToken],
    ...(secrets.otlpHeaders === null ? [] : [{ otlpHeaders: secrets.otlpHeaders }]),
  ];
  return createHash('sha256').update(JSON.stringify(read)).digest('hex').slice(0, 16);
}
