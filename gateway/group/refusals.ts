import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { Grant } from '../auth/grant.ts';
import type { Problem } from '../http/problem.ts';
import type { Admission } from './groups.ts';
import type { Registered, ShownGrant } from './registry.ts';

/** Most accounts and events of the grant in force that a refusal lists. */
const SHOWN = 1_000;

export function refused(problem: Problem): Admission {
  return { ok: false, problem };
}

export function unknownGroup(names: readonly string[]): Problem {
  return {
    status: 400,
    code: 'unknown_group',
    detail: `The subscription declares no such group for this account; it has: ${names.join(', ')}.`,
    field: 'group',
  };
}

export function nothingKept(group: string): Problem {
  return {
    status: 403,
    code: 'group_keeps_nothing',
    detail: `The group ${group} keeps none of the events and accounts of this login: use another group, or log in for others.`,
    field: 'group',
  };
}

/** Its events are sent elsewhere: a connection would take calls from it. Null when they are not. */
export function takenBySender({ name, webhook, nats }: ConsumerGroup): Problem | null {
  const taken = (code: 'group_is_a_webhook' | 'group_is_a_sink', where: string) =>
    ({
      status: 409,
      code,
      detail: `The events of the group ${name} are sent to ${where}: use another group.`,
      field: 'group',
    }) as const;
  if (webhook !== undefined) return taken('group_is_a_webhook', 'its webhook');
  return nats === undefined ? null : taken('group_is_a_sink', 'NATS');
}

export function unavailable(code: string): Problem {
  return {
    status: 503,
    code: 'groups_unavailable',
    detail: `Consumer groups cannot be served now (${code}): try again.`,
    headers: { 'Retry-After': '5' },
  };
}

/**
 * The group of an account that inherits the position of all accounts, while replicas of the former version still read.
 */
export function migrating(group: string): Problem {
  return {
    status: 503,
    code: 'group_migrating',
    detail: `The group ${group} is being moved to its account, and replicas of the former version still serve it: try again.`,
    headers: { 'Retry-After': '5' },
  };
}

function tooManyAccounts(group: string, most: number): Problem {
  return {
    status: 429,
    code: 'too_many_groups',
    detail: `${most} accounts have a group ${group}, as many as the subscription allows (consumerGroups.maxAccounts).`,
    field: 'group',
    headers: { 'Retry-After': '60' },
  };
}

/**
 * Another grant is in force. It is shown, because it belongs to the same account; `mayRegroup`: no connection has it,
 * so `regroup=true` takes over the group.
 */
function grantDiffers(
  group: string,
  { asked, present, mayRegroup }: { asked: Grant; present: ShownGrant | null; mayRegroup: boolean },
): Problem {
  const way = mayRegroup
    ? 'log in for the same accounts and events, use another group, or take this one over from its present position with regroup=true'
    : 'its connections have to close before regroup=true takes it over';
  return {
    status: 409,
    code: 'group_grant_differs',
    detail: `The group ${group} of this account has another grant: ${way}.`,
    field: 'group',
    extra: { account: asked.account, grant: shown(present) },
    headers: { 'Retry-After': '2' },
  };
}

function shown(present: ShownGrant | null): ShownGrant | null {
  if (present === null) return null;
  const first = (list: readonly string[] | null) => list?.slice(0, SHOWN) ?? null;
  return { accounts: first(present.accounts), events: first(present.events) };
}

/** Why an account may not have the group; null when it may. */
export function refusalOf(registered: Registered, { name, maxAccounts }: ConsumerGroup, asked: Grant) {
  switch (registered.kind) {
    case 'differs':
    case 'in_use':
      return grantDiffers(name, { asked, present: registered.grant, mayRegroup: registered.kind === 'differs' });
    case 'full':
      return tooManyAccounts(name, maxAccounts);
    case 'removing':
      return unavailable('REMOVING');
    default:
      return null;
  }
}
