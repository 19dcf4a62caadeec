/**
 * Rendezvous hashing: all processes with the same list of replicas choose the same one, and a replica that joins or
 * leaves moves only its own share. Pure, and the same in every process.
 */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** 32 bits of a text: the seed of a replica, of a member or of a choice. */
export function seedOf(text: string): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  return mix(hash);
}

/** The murmur3 finaliser: similar inputs give unrelated weights. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The weight of a replica or member (by its seed) for a choice (by its seed). */
export function weight(seed: number, choice: number): number {
  return mix(seed ^ choice);
}

/** The replica that owns `what`, null when there is none. The order of the replicas does not matter. */
export function ownerOf(what: string, replicas: readonly string[]): string | null {
  const choice = seedOf(what);
  let owner: string | null = null;
  let most = -1;
  for (const replica of replicas) {
    const wants = weight(seedOf(replica), choice);
    if (wants < most || (wants === most && owner !== null && replica > owner)) continue;
    owner = replica;
    most = wants;
  }
  return owner;
}
