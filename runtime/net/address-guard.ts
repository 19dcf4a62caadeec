import { lookup } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';

/** Which addresses may be connected to. */
export interface AddressPolicy {
  /** Loopback is the process's own pod: allowed outside of a cluster, and for a collector beside the gateway. */
  readonly allowLoopback: boolean;
  /** Only addresses of the public internet: for a receiver without the platform's approval. */
  readonly publicOnly?: boolean;
  /** The only ports that may be connected to; absent: every port. */
  readonly ports?: readonly number[];
}

/** Cloud services outside of the link-local range, with credentials or configuration of the machine. */
const METADATA: readonly (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[] = [
  // Amazon: metadata, pod identity, DNS, time.
  ipaddr.parseCIDR('fd00:ec2::/32'),
  // Google.
  ipaddr.parseCIDR('fd20:ce::/64'),
  // Azure's host agent.
  ipaddr.parseCIDR('168.63.129.16/32'),
  // Alibaba.
  ipaddr.parseCIDR('100.100.100.200/32'),
  // Oracle.
  ipaddr.parseCIDR('192.0.0.192/32'),
];

/** Ranges that never contain a tenant's server. */
const REFUSED: ReadonlySet<string> = new Set(['linkLocal', 'unspecified', 'multicast', 'broadcast']);

/** Ranges of the public internet. The last three contain an IPv4 address, which is checked as well. */
const PUBLIC: ReadonlySet<string> = new Set(['unicast', 'rfc6052', '6to4', 'teredo']);

/** Whether the policy refuses this address. Text that is not an IP address is refused. Pure. */
export function isRefusedAddress(address: string, policy: AddressPolicy): boolean {
  if (!ipaddr.isValid(address)) return true;
  const parsed = ipaddr.process(address);
  return [parsed, ...carried(parsed)].some((one) => isRefused(one, policy));
}

/** Whether the policy refuses connections to this port. Pure. */
export function isRefusedPort(port: number, { ports }: AddressPolicy): boolean {
  return ports !== undefined && !ports.includes(port);
}

function isRefused(address: ipaddr.IPv4 | ipaddr.IPv6, { allowLoopback, publicOnly = false }: AddressPolicy): boolean {
  const range = address.range();
  if (range === 'loopback') return publicOnly || !allowLoopback;
  if (REFUSED.has(range) || (publicOnly && !PUBLIC.has(range))) return true;
  return METADATA.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}

/** IPv4 addresses inside an IPv6 address: a translator or a tunnel may deliver to them. */
function carried(address: ipaddr.IPv4 | ipaddr.IPv6): readonly ipaddr.IPv4[] {
  if (!(address instanceof ipaddr.IPv6)) return [];
  const bytes = address.toByteArray();
  const from = (at: number, flip = 0) =>
    new ipaddr.IPv4([0, 1, 2, 3].map((offset) => (bytes[at + offset] ?? 0) ^ flip));
  const found = carriers(bytes).map(({ at, flip }) => from(at, flip));
  // ::a.b.c.d (RFC 4291 2.5.5.1), but not :: and ::1, which are checked directly.
  if (bytes.slice(0, 12).every((byte) => byte === 0) && bytes.slice(12).some((byte, at) => byte > (at === 3 ? 1 : 0))) {
    found.push(from(12));
  }
  return found;
}

function carriers(bytes: readonly number[]): readonly { readonly at: number; readonly flip?: number }[] {
  const starts = (...prefix: number[]) => prefix.every((byte, at) => bytes[at] === byte);
  const found: { at: number; flip?: number }[] = [];
  // 6to4, RFC 3056.
  if (starts(0x20, 0x02)) found.push({ at: 2 });
  // Teredo, RFC 4380: the server, and the client with its bits inverted.
  if (starts(0x20, 0x01, 0, 0)) found.push({ at: 4 }, { at: 12, flip: 0xff });
  // NAT64, RFC 6052 and RFC 8215.
  if (starts(0, 0x64, 0xff, 0x9b)) found.push({ at: 12 });
  // IPv4-translated, RFC 6145: ::ffff:0:a.b.c.d.
  if (bytes.slice(0, 8).every((byte) => byte === 0) && bytes[8] === 0xff && bytes[9] === 0xff) found.push({ at: 12 });
  // ISATAP, RFC 5214: the interface identifier is [0200]:5efe:a.b.c.d.
  if (((bytes[8] ?? 0) & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe) {
    found.push({ at: 12 });
  }
  return found;
}

export type Judged = 'allowed' | 'refused' | 'unknown_host';

const LOOKUP_LIMIT_MS = 5_000;

/** Checks all addresses of a host: it is refused if one of them is. Takes at most 5 s. Never rejects. */
export async function judgeHost(host: string, policy: AddressPolicy): Promise<Judged> {
  const literal = host.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(literal)) return isRefusedAddress(literal, policy) ? 'refused' : 'allowed';
  const { promise: tooLate, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, LOOKUP_LIMIT_MS, null);
  // A lookup rejects only if DNS has no answer (ENOTFOUND, EAI_AGAIN): the caller reports such a host.
  const answer = lookup(literal, { all: true }).catch(() => null);
  const found = await Promise.race([answer, tooLate]);
  clearTimeout(timer);
  if (found === null || found.length === 0) return 'unknown_host';
  return found.some(({ address }) => isRefusedAddress(address, policy)) ? 'refused' : 'allowed';
}
