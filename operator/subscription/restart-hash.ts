import { createHash } from 'node:crypto';
import { restartView, type Subscription } from '../../protocol/subscription.ts';
import type { References } from './references.ts';

/**
 * Changes when the gateways' pods must be replaced: with everything that they read only at their start. The schema
 * marks these fields (`protocol/subscription/takes-effect.ts`). Absent Secrets are omitted, so that a new release with
 * further Secrets replaces no pod.
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
