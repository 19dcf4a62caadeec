import type { Problem } from '../http/problem.ts';
import type { Profiles } from '../privacy/profiles.ts';
import type { Redactor } from '../privacy/redactor.ts';

export interface PrivacyRequest {
  /** The profile that the login requests; null: what is granted. */
  readonly asked: string | null;
  /** The profile of the user; null: the user has none. */
  readonly ofUser: string | null;
}

export type AuthorisedPrivacy =
  /** `names`: names of profiles for the token. `shown`: what these and the default show; null: everything. */
  | { readonly ok: true; readonly names: readonly string[]; readonly shown: Redactor | null }
  | {
      readonly ok: false;
      readonly problem: Problem & { readonly code: 'privacy_unknown' | 'privacy_wider' | 'privacy_missing' };
    };

/**
 * The profiles of a login: that of the user, or the requested one if it shows no more. The default of the resource
 * applies in addition, in its present form at each use. Pure, by the present profiles.
 */
export function authorisePrivacy({ asked, ofUser }: PrivacyRequest, profiles: Profiles): AuthorisedPrivacy {
  const own = ofUser === null ? [] : [ofUser];
  const granted = profiles.of(own);
  if (granted === undefined) {
    const detail = 'the directory gives this user a privacy profile that the resource lacks: ask its operator';
    return { ok: false, problem: { status: 403, code: 'privacy_missing', detail } };
  }
  if (asked === null) return { ok: true, names: own, shown: granted };
  const verdict = profiles.judge(asked, own);
  if (verdict === 'granted') return { ok: true, names: [asked], shown: profiles.of([asked]) ?? null };
  const extra = { may_ask: profiles.grantedWith(own) };
  const detail =
    verdict === 'unknown'
      ? 'the resource has no privacy profile of this name; may_ask lists those that can be asked for'
      : 'the privacy profile shows more than this user may see; may_ask lists those that can be asked for';
  const code = verdict === 'unknown' ? 'privacy_unknown' : 'privacy_wider';
  return { ok: false, problem: { status: 403, code, detail, field: 'privacy', extra } };
}
