import { z } from 'zod';
import { listOf } from './rules.ts';

const MOST_PORTS = 16;

/** Policy for all webhooks of a resource. */
export const webhooks = z.strictObject({
  /** Ports of receivers with public addresses. */
  allowedPorts: listOf(z.int().min(1).max(65_535), MOST_PORTS, 1).default([443, 8_443, 80]),
  /** Webhooks that logins create for their own account, to public addresses alone. */
  selfService: z
    .strictObject({
      enabled: z.boolean().default(false),
      maxPerAccount: z.int().min(1).max(100).default(10),
      /** Of all accounts of the resource. */
      maxTotal: z.int().min(1).max(1_000).default(100),
    })
    .prefault({}),
});

/** The port to which requests for this address go; the address is absolute. Pure. */
export function receiverPort(address: string): number {
  const { port, protocol } = new URL(address);
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}
