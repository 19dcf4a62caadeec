import type { ConsumerGroup } from '../../protocol/subscription.ts';

/** The groups that a resource declares, and the other fields of the resource that they need. */
export interface DeclaredGroups {
  /** `<namespace>/<name>`. */
  readonly resource: string;
  /** The resource's account: it inherits groups of the former form. */
  readonly account: string;
  readonly groups: readonly ConsumerGroup[];
  /** A group that was unused for longer is removed: the log no longer contains what it has not read. */
  readonly retentionMs: number;
}

/** The group of this name as this account may use it; null when there is none. */
export function declaredFor({ groups }: DeclaredGroups, name: string, account: string): ConsumerGroup | null {
  const declared = groups.find((group) => group.name === name);
  return declared === undefined || (declared.account ?? account) !== account ? null : declared;
}

/** Names of the groups that this account may use. */
export function namesFor({ groups }: DeclaredGroups, account: string): string[] {
  return groups.filter((group) => (group.account ?? account) === account).map(({ name }) => name);
}
