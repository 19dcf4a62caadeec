import type { Account, User } from '../../directory/directory.ts';
import type { LoginRequest } from '../login-request.ts';

/** How a login was judged; absent in the token of a login that the directory's hash accepted. */
export const VIAS = ['check', 'kazoo', 'oidc'] as const;
export type Via = (typeof VIAS)[number];

export type Verdict =
  | {
      readonly kind: 'allow';
      readonly account: Account;
      readonly username: string;
      /** Absent: by the directory. */
      readonly via?: Via;
      /** A profile for the user; absent: as the directory says. */
      readonly privacy?: string;
      /** Unix milliseconds at which the token must end; absent: no such limit. */
      readonly endsAt?: number;
    }
  /** `code` tells the client what else it needs. */
  | { readonly kind: 'deny'; readonly code?: 'multi_factor_required' }
  /** This method does not know such logins. */
  | { readonly kind: 'ignore' }
  /** A limit has refused it, see `Turn.admit`. */
  | { readonly kind: 'refused' }
  /** Too many logins wait. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'unavailable' };

/** A login that is judged. */
export interface Judged {
  readonly request: LoginRequest;
  /** The account that the domain names; undefined: none. */
  readonly named: Account | undefined;
  /** The directory's user for the login. */
  readonly found: User | undefined;
  /** The newest revocation before the login is judged. */
  readonly mark: number;
}

/** What a method may use. */
export interface Turn {
  /** Lanes in which the login waits for its turn. */
  readonly lanes: readonly string[];
  /** Counts the try, once for each login: false when a limit refuses it. */
  admit(): Promise<boolean>;
}

export interface LoginMethod {
  /**
   * A login that was accepted a moment ago: limits do not apply. `judge`: this method decides, and must judge it; null:
   * it has no such login.
   */
  remembered(login: Judged): Verdict | 'judge' | null;
  /** Never rejects because of a server's behaviour. */
  judge(login: Judged, turn: Turn): Promise<Verdict>;
}

/** The methods of a gateway. */
export interface LoginMethods {
  readonly order: readonly ('Directory' | LoginMethod)[];
  /** Whether a login may contain the token of an identity provider. */
  readonly takesTokens: boolean;
  /** Waits until a refusal that began at `start` (`performance.now()`) has taken as long as other refusals. */
  readonly even: (start: number) => Promise<void>;
}
