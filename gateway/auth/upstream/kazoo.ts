import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readAnswer, ServerUnavailable, type AskServer } from './ask-server.ts';
import type { Ask, Upstream } from './upstream.ts';
import type { Judged, Verdict } from './verdict.ts';

const allowSchema = z.object({ data: z.object({ account_id: z.string() }) });
const multiFactorSchema = z.object({ data: z.object({ multi_factor_request: z.unknown() }) });

/**
 * `PUT /v2/user_auth` of Kazoo's API (crossbar, `cb_user_auth`): the MD5 of `user:password`, with the realm of the
 * domain's account in the directory. 201 for a user of exactly this account accepts the login.
 */
export function kazooUpstream(api: URL, ask: AskServer): Upstream {
  const url = new URL(api);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v2/user_auth`;
  const prepare = ({ request, named: account }: Judged): Ask | Verdict => {
    if (request.accessToken !== null) return { kind: 'ignore' };
    // Without an account no request is possible; the refusal takes as long as a request.
    if (account === undefined) return { kind: 'ignore' };
    const { username, password } = request;
    const credentials = createHash('md5').update(`${username}:${password}`).digest('hex');
    const data = { credentials, method: 'md5', account_realm: account.realm };
    return async (signal) => {
      const answer = await ask({ url, method: 'PUT', body: { data }, signal });
      if (answer.status === 401 || answer.status === 403) return denial(answer.text);
      // 400 is for credentials of another form.
      if (answer.status === 400) return { kind: 'deny' };
      if (answer.status !== 201) throw new ServerUnavailable(`STATUS_${answer.status}`);
      const { data: user } = readAnswer(answer, allowSchema);
      if (user.account_id !== account.id) return { kind: 'deny' };
      return { kind: 'allow', account, username, via: 'kazoo' };
    };
  };
  return { via: 'kazoo', prepare };
}

/** For an account with multi-factor authentication the API answers 401 with the required factor. */
function denial(text: string): Extract<Verdict, { kind: 'deny' }> {
  try {
    if (multiFactorSchema.safeParse(JSON.parse(text)).success) return { kind: 'deny', code: 'multi_factor_required' };
  } catch {
    // A denial without JSON is still a denial.
  }
  return { kind: 'deny' };
}
