import http from 'k6/http';
import { setTimeout } from 'k6/timers';
import { LOGIN_PATH } from '../../protocol/paths.ts';
import { loginTime } from '../report/metrics.ts';
import type { Settings } from '../settings/settings.ts';

/** Accounts of the token; absent: all of the account. */
export interface Filters {
  readonly accounts?: readonly string[];
  readonly events?: readonly string[];
}

export type Target = Pick<
  Settings,
  'FIREHOSE_URL' | 'FIREHOSE_INNER_URL' | 'FIREHOSE_USERNAME' | 'FIREHOSE_PASSWORD' | 'FIREHOSE_DOMAIN'
>;

const TRIES = 30;

/** Returns a token. Waits as long as a 429 or 503 says; throws when it is refused for another reason. */
export async function logIn(target: Target, filters: Filters = {}): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const answer = await tryLogIn(target, { filters });
    const token = answer.status === 200 ? answer.json('access_token') : null;
    if (typeof token === 'string') return token;
    const wait = Number(answer.headers['Retry-After'] ?? Number.NaN);
    if (tries >= TRIES || !(answer.status === 429 || answer.status === 503) || !(wait <= 10)) {
      throw new Error(`login: ${describe(answer)} at ${target.FIREHOSE_URL}`);
    }
    await pause(wait * 1_000);
  }
}

/** One attempt with any outcome. */
export async function tryLogIn(
  target: Target,
  { filters = {}, username = target.FIREHOSE_USERNAME }: { filters?: Filters; username?: string },
) {
  const body = { username, password: target.FIREHOSE_PASSWORD, domain: target.FIREHOSE_DOMAIN, ...filters };
  const answer = await http.asyncRequest('POST', `${target.FIREHOSE_URL}${LOGIN_PATH}`, JSON.stringify(body), {
    headers: { 'Content-Type': 'application/json' },
    tags: { name: 'login' },
    responseCallback: http.expectedStatuses(200, 401, 429, 503),
  });
  if (answer.status === 200) loginTime.add(answer.timings.duration);
  return answer;
}

/** The status and code of an answer, or why there is none, without secrets. */
export function describe(answer: { status: number; error: string; body: unknown }): string {
  if (answer.status === 0) return answer.error;
  const code = typeof answer.body === 'string' ? /"code":"(\w+)"/.exec(answer.body)?.[1] : undefined;
  return code === undefined ? String(answer.status) : `${answer.status} ${code}`;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, Math.max(0, milliseconds)));
}
