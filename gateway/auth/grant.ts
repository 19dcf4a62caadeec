import type { Via } from './upstream/verdict.ts';

/** Events that a login may see, in its token. The account tree in force at each delivery narrows them again. */
export interface Grant {
  /** The login's account: the scope is never wider than its subtree. */
  readonly account: string;
  /** Exactly these accounts (not their subtrees); null is the whole subtree of `account`. */
  readonly accounts: readonly string[] | null;
  /** Exactly these events; null is all of them. */
  readonly events: readonly string[] | null;
  /** Profiles of `spec.privacy` that apply besides the resource's default and that of the user; absent: none. */
  readonly privacy?: readonly string[];
}

/** A verified token. */
export interface VerifiedToken {
  readonly grant: Grant;
  /** Folded name of the user that the token was issued to. */
  readonly username: string;
  /** How its login was judged; absent: by the directory, which must still have the user. */
  readonly via?: Via;
  /** `jti`. */
  readonly id: string;
  /** The newest mark of a revocation that was known before its login was judged; see gateway/revocation. */
  readonly mark: number;
  /** End of the session, Unix milliseconds: `exp` and the leeway. */
  readonly sessionEndsAt: number;
}
