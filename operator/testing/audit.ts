import type { AuditEntry, ControlPlane } from '../../testing/control-plane/control-plane.ts';
import { SYSTEM } from './platform.ts';

const OPERATOR = `system:serviceaccount:${SYSTEM}:operator`;
const READS: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

/** All requests of the operator to the API server. */
export async function operatorRequests(plane: ControlPlane): Promise<AuditEntry[]> {
  return (await plane.audit()).filter(({ user }) => user === OPERATOR);
}

/** Its writes, without those of the Lease. */
export async function operatorWrites(plane: ControlPlane, since = 0): Promise<AuditEntry[]> {
  const all = await operatorRequests(plane);
  return all.filter(({ verb, resource, at }) => at >= since && !READS.has(verb) && resource !== 'leases');
}
