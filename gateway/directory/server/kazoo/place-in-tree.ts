/** Where an account is. `outside`: not below the root. `unknown`: only a walk through the tree tells. */
export type PlaceInTree =
  { readonly kind: 'below'; readonly parent: string } | { readonly kind: 'outside' } | { readonly kind: 'unknown' };

/**
 * The parent among the ancestors that Kazoo lists for an account, root and below. Their order is not documented: it is
 * taken where it agrees with the tree as it is known, and never guessed. Pure.
 */
export function placeInTree(
  ancestors: readonly string[],
  root: string,
  parentOf: (id: string) => string | null | undefined,
): PlaceInTree {
  if (!ancestors.includes(root)) return { kind: 'outside' };
  for (const order of [ancestors, ancestors.toReversed()]) {
    const parent = order.at(-1);
    const fits = order[0] === root && order.every((id, at) => at === 0 || parentOf(id) === order[at - 1]);
    if (fits && parent !== undefined) return { kind: 'below', parent };
  }
  return { kind: 'unknown' };
}
