import { z } from 'zod';
import { ruled, setOf } from './rules.ts';

/** Ids of accounts, as in directories, tokens and keys in Redis: no slash, no colon. */
export const ACCOUNT_ID = /^[A-Za-z0-9_-]{1,64}$/;
const EVENT_NAME = /^[A-Z][A-Z0-9_]{1,63}$/;

export const accountId = () => z.string().max(64).regex(ACCOUNT_ID, 'an account id: 1 to 64 of A-Z a-z 0-9 _ -');
export const eventNames = setOf(z.string().max(64).regex(EVENT_NAME, 'an event name as CHANNEL_ANSWER'), 64);

const fields = {
  events: eventNames.default([]),
  excludeEvents: eventNames.default([]),
  accounts: setOf(accountId(), 256).default([]),
};

interface EventFilters {
  readonly events: readonly string[];
  readonly excludeEvents: readonly string[];
}

const LEAVES_SOMETHING = {
  cel:
    '!has(self.events) || self.events.size() == 0 || !has(self.excludeEvents) || ' +
    'self.events.exists(name, !(name in self.excludeEvents))',
  holds: ({ events, excludeEvents }: EventFilters) =>
    events.length === 0 || events.some((name) => !excludeEvents.includes(name)),
  message: 'leaves nothing of filters.events: no event would be delivered',
  field: 'excludeEvents',
};

/** What a resource offers at all. */
export const resourceFilters = ruled(
  z.strictObject({
    ...fields,
    /** Event names beyond the catalogue that logins may filter by. */
    additionalEvents: eventNames.default([]),
  }),
  LEAVES_SOMETHING,
);

/** What a durable group keeps of it. */
export const groupFilters = ruled(z.strictObject(fields), LEAVES_SOMETHING);
