import { NAMED_EVENTS } from '../../protocol/catalogue.ts';
import { nearestName } from '../../protocol/nearest-name.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import { good, type Finding } from './findings.ts';

/**
 * Names in filters that are neither in the catalogue nor declared in `filters.additionalEvents`: most are typing
 * mistakes, and a filter with only such names delivers nothing. Null when every name is known.
 */
export function unknownEventNames({ spec }: Subscription): Finding | null {
  const known = [...NAMED_EVENTS, ...spec.filters.additionalEvents];
  const lists: [field: string, names: readonly string[]][] = [
    ['filters.events', spec.filters.events],
    ['filters.excludeEvents', spec.filters.excludeEvents],
    ...spec.consumerGroups.flatMap(({ name, filters }): [string, readonly string[]][] => [
      [`consumerGroups[${name}].filters.events`, filters.events],
      [`consumerGroups[${name}].filters.excludeEvents`, filters.excludeEvents],
    ]),
  ];
  const faults = lists.flatMap(([field, names]) =>
    names.filter((name) => !known.includes(name)).map((name) => `${field}: ${name}${suggestion(name, known)}`),
  );
  if (faults.length === 0) return null;
  const what = 'is in no catalogue; declare event names of your own in filters.additionalEvents';
  return good('UnknownEventName', `${faults.join('; ')} ${what}`);
}

function suggestion(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === null ? '' : ` (did you mean ${nearest}?)`;
}
