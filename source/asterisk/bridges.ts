/** Members of a bridge. Two members are a pair; one leg of the pair carries BRIDGE and UNBRIDGE. */
interface Pair {
  readonly bridgeId: string;
  readonly on: string;
  readonly other: string;
}

/** Changes when a member enters or leaves; `ended` comes first. */
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
  /** The other member of its pair; empty when the member is in no pair. */
  otherOf(member: string): string;
  /** After an outage: replaces the members of each bridge, in order. */
  replace(members: ReadonlyMap<string, readonly string[]>): PairChange[];
}

interface State {
  readonly members: string[];
  pair: Pair | null;
}

const NO_CHANGE: PairChange = { ended: null, begun: null };

/**
 * The bridges of calls. The first two members of a bridge are its pair. The pair begins with the second member and ends
 * when one of the two leaves; a third member who remains forms a new pair. So there are as many ends as beginnings.
 * `isInbound` tells which of the two carries the events: the inbound leg, else the first.
 */
export function createBridges(isInbound: (member: string) => boolean): Bridges {
  const bridges = new Map<string, State>();
  /** Bridges of a member. During a swap a member may enter the next bridge before it leaves the last one. */
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
