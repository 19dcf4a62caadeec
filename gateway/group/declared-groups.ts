import type { ConsumerGroup } from '../../protocol/subscription.ts';

/** The groups that a resource declares, and the other fields of the resource that they need. */
export interface DeclaredGroups {
  /** `<namespace>/<name>`. */
  readonly resource: string;
  /** The resource's account: it inherits groups of the former form. */
  readonly account: string;
  readonly groups: readonly ConsumerGroup[];
  /** Whether there may also be groups of self-service webhooks. */
  readonly hasOwn?: boolean;
  /** A group that was unused for longer is removed: the log no longer contains what it has not read. */
  readonly retentionMs: number;
}

/** The groups that the resource declares, and those of self-service webhooks, which come and go. */
export class KnownGroups {
  readonly #declared: DeclaredGroups;
  #own: ReadonlyMap<string, ConsumerGroup> = new Map();

  constructor(declared: DeclaredGroups) {
    this.#declared = declared;
  }

  get all(): readonly ConsumerGroup[] {
    return this.#own.size === 0 ? this.#declared.groups : [...this.#declared.groups, ...this.#own.values()];
  }

  /** The group of this name as this account may use it; null when there is none. */
  for(name: string, account: string): ConsumerGroup | null {
    const own = this.#own.get(name);
    if (own !== undefined) return own.account === account ? own : null;
    return declaredFor(this.#declared, name, account);
  }

  /** Returns the groups of deleted webhooks. */
  useOwn(groups: readonly ConsumerGroup[]): readonly ConsumerGroup[] {
    const before = this.#own;
    this.#own = new Map(groups.map((group) => [group.name, group]));
    return [...before.values()].filter(({ name }) => !this.#own.has(name));
  }
}

/** The group of this name as this account may use it; null when there is none. */
function declaredFor({ groups }: DeclaredGroups, name: string, account: string): ConsumerGroup | null {
  const declared = groups.find((group) => group.name === name);
  return declared === undefined || (declared.account ?? account) !== account ? null : declared;
}

/** Names of the groups that this account may use. */
export function namesFor({ groups }: DeclaredGroups, account: string): string[] {
  return groups.filter((group) => (group.account ?? account) === account).map(({ name }) => name);
}
