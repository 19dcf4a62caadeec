import { isIPv6 } from 'node:net';
import type { DoctorFlags } from './doctor.ts';

/** Sources that the doctor checks besides the gateway. */
export interface AskedSources {
  /** Each `<namespace>/<name>`. */
  readonly names: readonly string[];
  /** `http://host:port` of the inner listener of one of them; null for none. */
  readonly origin: string | null;
}

const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const ADDRESS = /^(?:\[([^\]]+)\]|([^:[\]/]+)):(\d{1,5})$/;

/** Pure. */
export function readSourceFlags({ source, sourceAddress }: DoctorFlags): AskedSources | { readonly fault: string } {
  const names = source === undefined ? [] : source.split(',').map((name) => name.trim());
  if (!names.every((name) => NAME.test(name))) {
    return { fault: '--source: <namespace>/<name> of a source, several with commas between them' };
  }
  if (sourceAddress === undefined) return { names, origin: null };
  const [, v6, host, port] = ADDRESS.exec(sourceAddress) ?? [];
  const isSound = Number(port) <= 65_535 && (v6 === undefined ? host !== undefined : isIPv6(v6));
  if (!isSound)
    return { fault: '--source-address: host:port of a source, with an IPv6 address in brackets: [::1]:9090' };
  return { names, origin: `http://${v6 === undefined ? host : `[${v6}]`}:${port}` };
}
