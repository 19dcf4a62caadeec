import ipaddr from 'ipaddr.js';

/** An IPv4 address, or the /64 of an IPv6 one: one host has all addresses of its /64. */
export function networkOf(address: string): string {
  const bare = address.split('%')[0] ?? '';
  if (!ipaddr.isValid(bare)) return 'unknown';
  const parsed = ipaddr.process(bare);
  if (parsed instanceof ipaddr.IPv6) return `${parsed.parts.slice(0, 4).join(':')}/64`;
  return parsed.toString();
}
