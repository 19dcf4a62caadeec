import type { Account, User } from '../../directory/directory.ts';
import type { LoginRequest } from '../login-request.ts';

/** How a login was judged; absent in the token of one that the directory's hash has let in. */
export const VIAS = ['check', 'kazoo', 'oidc'] as const;
export type Via = (typeof VIAS)[number];

export type Verdict =
  | {
      readonly kind: 'allow';
      readonly account: Account;
      readonly username: string;
      /** Absent: by the directory. */
      readonly via?: Via;
      /** A profile that holds for the user; absent: as the directory says. */
      readonly privacy?: string;
      /** Unix milliseconds by which the token must end; absent: no such limit. */
      readonly endsAt?: number;
    }
  /** `code` tells the client what else it needs. */
  | { readonly kind: 'deny'; readonly code?: 'multi_factor_required' }
  /** This method does not know such logins. */
  | { readonly kind: 'ignore' }
  /** A limit has refused it, see `Turn.admit`. */
  | { readonly kind: 'refused' }
  /** Too many wait. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'unavailable' };

/** A login that is judged. */
export interface Judged {
  readonly request: LoginRequest;
  /** What the domain names; undefined: nothing. */
  readonly named: Account | undefined;
  /** The user that the directory has for it. */
  readonly found: User | undefined;
  /** The newest revocation before it is judged. */
  readonly mark: number;
}

/** What a method may use. */
export interface Turn {
  /** Lanes in which the login waits for its turn. */
  readonly lanes: readonly string[];
  /** Counts the try, once a login: false when a limit refuses it. */
  admit(): Promise<boolean>;
}

export interface LoginMethod {
  /**
   * A login that was allowed a moment ago: no limit is asked. `judge`: this method decides, and must judge it; null: it
   * remembers none.
   */
  remembered(login: Judged): Verdict | 'judge' | null;
  /** Never rejects for what a server does. */
  judge(login: Judged, turn: Turn): Promise<Verdict>;
}

/** The methods of a gateway. */
export interface LoginMethods {
  readonly order: readonly ('Directory' | LoginMethod)[];
  /** Whether a login may hold the token of an identity provider. */
  readonly takesTokens: boolean;
  /** Waits until a refusal that began at `start` (`performance.now()`) has taken as long as others take. */
  readonly even: (start: number) => Promise<void>;
}
