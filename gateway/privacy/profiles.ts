import { isAtLeastAsStrict, strictest } from '../../protocol/privacy-lattice.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import type { PrivacyProfile } from '../../protocol/subscription/privacy.ts';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Pseudonym } from './hide.ts';
import { redactorOf, type Redactor } from './redactor.ts';

export type Privacy = Subscription['spec']['privacy'];

/**
 * Whether a login may request a profile. `unknown`: the resource has none of that name. `wider`: it shows more than is
 * granted.
 */
export type Asked = 'granted' | 'unknown' | 'wider';

/** The present profiles of a resource. */
export class Profiles {
  readonly #privacy: Live<Privacy>;
  readonly #pseudonym: Pseudonym;
  /** Redactors by the names of combined profiles of the resource: at most one for each set of profiles. */
  readonly #redactors = new Map<string, Redactor | null>();

  constructor(privacy: Live<Privacy>, pseudonym: Pseudonym) {
    this.#privacy = privacy;
    this.#pseudonym = pseudonym;
    privacy.onChange(() => this.#redactors.clear());
  }

  /**
   * What a client sees when these profiles apply besides the default: only what all of them show. Null: everything.
   * Undefined: the resource lacks a profile of one of the names, so nothing may be shown.
   */
  of(names: readonly string[]): Redactor | null | undefined {
    const key = names.join('\n');
    const known = this.#redactors.get(key);
    if (known !== undefined) return known;
    const profile = this.#profileOf(names);
    if (profile === undefined) return undefined;
    const made = profile === null ? null : redactorOf(profile, this.#pseudonym);
    this.#redactors.set(key, made);
    return made;
  }

  /** Whether `asked` may replace the default and the profiles of these names. */
  judge(asked: string, names: readonly string[]): Asked {
    const wanted = this.#find(asked);
    if (wanted === undefined) return 'unknown';
    const granted = this.#profileOf(names);
    return granted === null || (granted !== undefined && isAtLeastAsStrict(wanted, granted)) ? 'granted' : 'wider';
  }

  /** Names of the profiles that may be requested. */
  grantedWith(names: readonly string[]): readonly string[] {
    return this.#privacy.current.profiles
      .map(({ name }) => name)
      .filter((name) => this.judge(name, names) === 'granted');
  }

  #find(name: string): PrivacyProfile | undefined {
    return this.#privacy.current.profiles.find((one) => one.name === name);
  }

  #profileOf(names: readonly string[]): PrivacyProfile | null | undefined {
    const { default: usual } = this.#privacy.current;
    let shown: PrivacyProfile | null = null;
    for (const name of new Set([...(usual === '' ? [] : [usual]), ...names].toSorted())) {
      const profile = this.#find(name);
      if (profile === undefined) return undefined;
      shown = shown === null ? profile : strictest(shown, profile);
    }
    return shown;
  }
}
