import type { DropReason } from '../mapper.ts';

/** The text of each reason, for people. */
export const DROP_TEXTS: Readonly<Record<DropReason, string>> = {
  not_mapped: 'the catalogue has no name for it, or it only tells what later events of the leg show',
  no_change: 'it repeats what is known of its leg',
  after_destroy: 'its leg has ended',
  malformed: 'it names no leg, or has not the form of this switch',
  never_forwarded: 'events of this name are not for consumers',
  key_mismatch: 'the name in the body is not that of the routing key',
  error_category: 'its category is error',
  rejected: 'the event log refuses it, for what the code beside it says',
};
