import { LOGIN_PATH } from '../../../../protocol/paths.ts';
import { ask, type Problem } from '../base/gateway.ts';
import { number, object, parsed, text, texts } from '../base/read.ts';

/** Who is logged in. The token is here and nowhere else, unless the person keeps it for this tab. */
export interface Login {
  readonly token: string;
  readonly username: string;
  readonly domain: string;
  readonly account: string;
  /** Accounts that the login was cut to; null: its whole tree. */
  readonly accounts: readonly string[] | null;
  readonly events: readonly string[] | null;
  readonly privacy: string | null;
  /** Unix milliseconds. */
  readonly endsAt: number;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly domain: string;
}

/** The former token lets the gateway know this device: what others try does not delay it. */
export async function logIn(
  { username, password, domain }: Credentials,
  formerToken: string | null,
): Promise<Login | Problem> {
  const answer = await ask(LOGIN_PATH, { body: { username, password, domain }, token: formerToken });
  if (!answer.ok) return answer.problem;
  const { value } = answer;
  const scope = object(value['scope']);
  return {
    token: text(value['access_token']) ?? '',
    username,
    domain,
    account: text(value['account_id']) ?? '',
    accounts: scope['accounts'] === null ? null : texts(scope['accounts']),
    events: scope['events'] === null ? null : texts(scope['events']),
    privacy: text(object(value['privacy'])['profile']),
    endsAt: Date.now() + (number(value['expires_in']) ?? 0) * 1_000,
  };
}

const KEPT = 'firehose-login';

/** Survives a reload of this tab, and ends with it. */
export function keepLogin(login: Login): void {
  sessionStorage.setItem(KEPT, JSON.stringify(login));
}

export function forgetLogin(): void {
  sessionStorage.removeItem(KEPT);
}

/** What was kept, while it is still in force. */
export function keptLogin(now: number): Login | null {
  const kept = parsed(sessionStorage.getItem(KEPT) ?? '');
  const [token, username, domain] = [text(kept['token']), text(kept['username']), text(kept['domain'])];
  const endsAt = number(kept['endsAt']) ?? 0;
  if (token === null || username === null || domain === null || endsAt <= now) return null;
  return {
    token,
    username,
    domain,
    account: text(kept['account']) ?? '',
    accounts: kept['accounts'] === null ? null : texts(kept['accounts']),
    events: kept['events'] === null ? null : texts(kept['events']),
    privacy: text(kept['privacy']),
    endsAt,
  };
}
