import { lookup } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';

/** Metadata services of clouds that are not in a link-local range. */
const METADATA: ReadonlySet<string> = new Set(['fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '192.0.0.192']);
/** Never the address of a tenant's Redis. */
const REFUSED: ReadonlySet<string> = new Set(['linkLocal', 'unspecified', 'multicast', 'broadcast']);

/**
 * Whether a tenant may make the operator connect there. Loopback is the operator's own pod: allowed outside of a cluster
 * alone, where a developer's Redis is.
 */
export function isRefusedAddress(address: string, options: { allowLoopback: boolean }): boolean {
  if (!ipaddr.isValid(address)) return true;
  // ::ffff:169.254.169.254 is judged as what it is.
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (range === 'loopback') return !options.allowLoopback;
  return REFUSED.has(range) || METADATA.has(parsed.toString()) || METADATA.has(parsed.toNormalizedString());
}

export type Judged = 'allowed' | 'refused' | 'unknown_host';

const LOOKUP_LIMIT_MS = 5_000;

/** Judges every address of a host, so that none of several can slip through. */
export async function judgeHost(host: string, options: { allowLoopback: boolean }): Promise<Judged> {
  const literal = host.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(literal)) return isRefusedAddress(literal, options) ? 'refused' : 'allowed';
  const { promise: tooLate, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, LOOKUP_LIMIT_MS, null);
  try {
    const found = await Promise.race([lookup(literal, { all: true }), tooLate]);
    if (found === null || found.length === 0) return 'unknown_host';
    return found.some(({ address }) => isRefusedAddress(address, options)) ? 'refused' : 'allowed';
  } catch {
    return 'unknown_host';
  } finally {
    clearTimeout(timer);
  }
}
