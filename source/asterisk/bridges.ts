/** The members of a bridge. Two members are a pair, of which one leg carries BRIDGE and UNBRIDGE. */
interface Pair {
  readonly bridgeId: string;
  readonly on: string;
  readonly other: string;
}

/** What a member's coming or going changes; `ended` comes first. */
export interface PairChange {
  readonly ended: Pair | null;
  readonly begun: Pair | null;
}

export interface Bridges {
  enter(bridgeId: string, member: string): PairChange;
  leave(bridgeId: string, member: string): PairChange;
  /** Takes a member out of every bridge. */
  forget(member: string): PairChange[];
  /** Takes all members out. */
  dissolve(bridgeId: string): PairChange;
  /** The other member of the pair that this one is in; empty when it is in none. */
  otherOf(member: string): string;
  /** After an outage: the members that each bridge has now, in their order. */
  replace(members: ReadonlyMap<string, readonly string[]>): PairChange[];
}

interface State {
  readonly members: string[];
  pair: Pair | null;
}

const NO_CHANGE: PairChange = { ended: null, begun: null };

/**
 * The bridges of calls. The pair of a bridge is its first two members: it begins with the second, and ends when one of
 * the two leaves; a third who is then left makes a new one. So there are as many ends as beginnings. `isInbound` tells
 * which of the two carries the events: the one that called in, else the first.
 */
export function createBridges(isInbound: (member: string) => boolean): Bridges {
  const bridges = new Map<string, State>();
  /** Bridges of a member; a swap may show it in the next before it has left the last. */
  const placesOf = new Map<string, string[]>();

  const removePlace = (member: string, bridgeId: string) => {
    const left = (placesOf.get(member) ?? []).filter((place) => place !== bridgeId);
    if (left.length === 0) placesOf.delete(member);
    else placesOf.set(member, left);
  };

  const review = (bridgeId: string, state: State): PairChange => {
    const [first, second] = state.members;
    const before = state.pair;
    if (before !== null && isSame(before, first, second)) return NO_CHANGE;
    state.pair = first === undefined || second === undefined ? null : pairOf(bridgeId, first, second, isInbound);
    if (state.members.length === 0) bridges.delete(bridgeId);
    return { ended: before, begun: state.pair };
  };

  const leave = (bridgeId: string, member: string): PairChange => {
    const state = bridges.get(bridgeId);
    const index = state?.members.indexOf(member) ?? -1;
    if (state === undefined || index < 0) return NO_CHANGE;
    state.members.splice(index, 1);
    removePlace(member, bridgeId);
    return review(bridgeId, state);
  };

  const enter = (bridgeId: string, member: string): PairChange => {
    const state = bridges.get(bridgeId) ?? { members: [], pair: null };
    bridges.set(bridgeId, state);
    if (state.members.includes(member)) return NO_CHANGE;
    state.members.push(member);
    placesOf.set(member, [...(placesOf.get(member) ?? []), bridgeId]);
    return review(bridgeId, state);
  };

  const dissolve = (bridgeId: string): PairChange => {
    const state = bridges.get(bridgeId);
    if (state === undefined) return NO_CHANGE;
    for (const member of state.members) removePlace(member, bridgeId);
    state.members.length = 0;
    return review(bridgeId, state);
  };

  return {
    enter,
    leave,
    forget: (member) => (placesOf.get(member) ?? []).map((bridgeId) => leave(bridgeId, member)),
    dissolve,
    otherOf: (member) => otherIn(bridges.get(placesOf.get(member)?.at(-1) ?? '')?.pair ?? null, member),
    replace(now) {
      const changes: PairChange[] = [];
      for (const [bridgeId, { members }] of bridges) {
        const listed = now.get(bridgeId) ?? [];
        for (const member of members.slice()) if (!listed.includes(member)) changes.push(leave(bridgeId, member));
      }
      for (const [bridgeId, members] of now) for (const member of members) changes.push(enter(bridgeId, member));
      return changes;
    },
  };
}

function otherIn(pair: Pair | null, member: string): string {
  if (pair?.on === member) return pair.other;
  return pair?.other === member ? pair.on : '';
}

function isSame(pair: Pair, first: string | undefined, second: string | undefined): boolean {
  return (pair.on === first && pair.other === second) || (pair.on === second && pair.other === first);
}

function pairOf(bridgeId: string, first: string, second: string, isInbound: (member: string) => boolean): Pair {
  const [on, other] = !isInbound(first) && isInbound(second) ? [second, first] : [first, second];
  return { bridgeId, on, other };
}
