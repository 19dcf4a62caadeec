import type { Random } from '../../protocol/simulator/random.ts';

/** How often each change was made. */
export type Changes = Record<'dropped' | 'doubled' | 'moved', number>;

export const noChanges = (): Changes => ({ dropped: 0, doubled: 0, moved: 0 });

/** How far an item moves, and how long after the first one its copy comes, at most. */
const REACH = 6;

/** The items with some of them dropped, doubled, or a few places later. The same for the same seed. */
export function mutated<Item>(items: readonly Item[], random: Random, changes: Changes): readonly Item[] {
  const placed = items.flatMap((item, index) => {
    const dice = random.integer(0, 19);
    if (dice === 0) {
      changes.dropped += 1;
      return [];
    }
    const later = index + random.integer(1, REACH) + 0.5;
    if (dice === 1) {
      changes.doubled += 1;
      return [
        { item, place: index },
        { item, place: later },
      ];
    }
    if (dice === 2) {
      changes.moved += 1;
      return [{ item, place: later }];
    }
    return [{ item, place: index }];
  });
  return placed.toSorted((one, other) => one.place - other.place).map(({ item }) => item);
}

/** Both lists in one, each in its order. */
export function interleaved<Item>(one: readonly Item[], other: readonly Item[], random: Random): readonly Item[] {
  const [left, right] = [[...one], [...other]];
  const all: Item[] = [];
  while (left.length > 0 || right.length > 0) {
    const from = right.length === 0 || (left.length > 0 && random.integer(0, 1) === 0) ? left : right;
    all.push(...from.splice(0, 1));
  }
  return all;
}
