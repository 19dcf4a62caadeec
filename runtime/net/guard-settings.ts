import { oneOf } from '../settings/kinds.ts';
import { setting, type SettingsTable } from '../settings/setting.ts';
import type { AddressPolicy } from './address-guard.ts';

const GUARDS = ['off', 'metadata', 'strict'] as const;
export type AddressGuard = (typeof GUARDS)[number];

/** The operator sets it for its gateways. `off` is for a machine whose configuration belongs to its user. */
export const GUARD_SETTINGS = {
  FIREHOSE_ADDRESS_GUARD: setting(oneOf('<guard>', GUARDS), {
    fallback: 'off',
    about:
      'addresses that Redis, the directory and the collector must not have: `metadata` refuses link-local, metadata, multicast and unspecified ones, `strict` also loopback for Redis and the directory',
  }),
} as const satisfies SettingsTable;

/** For Redis and directories. Null: connections to every address are allowed. */
export function redisPolicyOf(guard: AddressGuard): AddressPolicy | null {
  return guard === 'off' ? null : { allowLoopback: guard === 'metadata' };
}

/** For a collector, which may run beside the process. */
export function collectorPolicyOf(guard: AddressGuard): AddressPolicy | null {
  return guard === 'off' ? null : { allowLoopback: true };
}
