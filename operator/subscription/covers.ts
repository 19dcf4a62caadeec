/**
 * Whether the live object has everything that is wanted. Fields that others or the API server added do not matter; a
 * list must have the same length, because an extra element is a difference.
 */
export function covers(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(live) && live.length === wanted.length && wanted.every((item, index) => covers(live[index], item))
    );
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof live !== 'object' || live === null) return isEmpty(wanted);
    return Object.entries(wanted).every(([key, value]) => covers((live as Record<string, unknown>)[key], value));
  }
  return live === wanted;
}

/** The API server omits empty values. */
function isEmpty(value: object): boolean {
  return Object.values(value).every((item) => typeof item === 'object' && item !== null && isEmpty(item as object));
}
