/**
 * Plain numbers that the event path raises and the metrics endpoint reads, for one declared group on this replica,
 * summed over its accounts.
 */
export interface GroupCounters {
  /** Events written to connections; and how many of these were not the first delivery. */
  delivered: number;
  redelivered: number;
  acknowledged: number;
  /** Events that moved from a member that hangs to another one, without counting an attempt. */
  handedBack: number;
  /** Entries that the grant or the filters of the group exclude, acknowledged at once. */
  filtered: number;
  deadLettered: number;
  poison: number;
  /** Entries that were trimmed before they were delivered or acknowledged, as far as known. */
  trimmed: number;
  /** Leases taken, and leases lost to another replica or by expiry. */
  leasesTaken: number;
  leasesLost: number;
}

export function createGroupCounters(): GroupCounters {
  return {
    delivered: 0,
    redelivered: 0,
    acknowledged: 0,
    handedBack: 0,
    filtered: 0,
    deadLettered: 0,
    poison: 0,
    trimmed: 0,
    leasesTaken: 0,
    leasesLost: 0,
  };
}
