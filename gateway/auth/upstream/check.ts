import { z } from 'zod';
import { MAX_PROFILE_NAME, PROFILE_NAME } from '../../../protocol/subscription/privacy.ts';
import type { LiveDirectory } from '../../directory/directory.ts';
import { foldName } from '../../directory/fold.ts';
import { readCredentials, type HttpDirectoryConfig } from '../../directory/http/configuration.ts';
import { DirectoryFault } from '../../directory/fault.ts';
import { readAnswer, ServerUnavailable, type AskServer } from './ask-server.ts';
import type { Ask, Upstream } from './upstream.ts';
import type { Judged } from './verdict.ts';

const answerSchema = z.discriminatedUnion('result', [
  z.object({
    result: z.literal('allow'),
    account: z.string(),
    username: z.string().min(1).max(256),
    /** A profile of `spec.privacy` for the user. */
    privacy: z.string().max(MAX_PROFILE_NAME).regex(PROFILE_NAME).nullish(),
  }),
  z.object({ result: z.literal('deny') }),
  z.object({ result: z.literal('ignore') }),
]);

/** `POST {url}/check` of the directory's server, see docs/directory.md. */
export function checkUpstream(server: HttpDirectoryConfig, directory: LiveDirectory, ask: AskServer): Upstream {
  const url = new URL(server.url);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/check`;
  const prepare = ({ request, named: account }: Judged): Ask | { kind: 'ignore' } => {
    if (request.accessToken !== null) return { kind: 'ignore' };
    const { username, password, domain } = request;
    return async (signal) => {
      const headers = await bearerOf(server);
      const body = { username, password, domain, account: account?.id ?? null };
      const answer = await ask({ url, method: 'POST', headers, body, signal });
      if (answer.status !== 200) throw new ServerUnavailable(`STATUS_${answer.status}`);
      const read = readAnswer(answer, answerSchema);
      if (read.result !== 'allow') return { kind: read.result };
      const allowed = directory.current.accounts.get(read.account);
      // An account that the directory does not have yet.
      if (allowed === undefined) return { kind: 'deny' };
      const { username: name, privacy = null } = read;
      return { kind: 'allow', account: allowed, username: foldName(name), via: 'check', ...(privacy && { privacy }) };
    };
  };
  return { via: 'check', prepare };
}

async function bearerOf(server: HttpDirectoryConfig): Promise<Record<string, string>> {
  try {
    const { token } = await readCredentials({ tokenFile: server.tokenFile, caFile: null });
    return token === null ? {} : { authorization: `Bearer ${token}` };
  } catch (error) {
    if (error instanceof DirectoryFault) throw new ServerUnavailable('TOKEN_UNREADABLE');
    throw error;
  }
}
