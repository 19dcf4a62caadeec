import { z } from 'zod';
import { accountId } from '../subscription/filters.ts';

const account = z.strictObject({
  id: accountId(),
  name: z.string().min(1).max(253),
  realm: z.string().min(1).max(253),
});

/** Simulated calls, a function of seed, accounts, rate and time. */
export const simulator = z.strictObject({
  seed: z.string().min(1).max(253).default('firehose'),
  callsPerSecond: z.number().gt(0).max(100).default(2),
  accounts: z
    .array(account)
    .min(1)
    .max(10_000)
    .refine((accounts) => new Set(accounts.map(({ id }) => id)).size === accounts.length, 'no id twice')
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] }),
});
