import type { Subscription } from '../../../protocol/subscription.ts';
import type { AddressPolicy } from '../../../runtime/net/address-guard.ts';
import type { LiveDirectory } from '../../directory/directory.ts';
import type { HttpDirectoryConfig } from '../../directory/http/configuration.ts';
import { createTurns } from '../turns.ts';
import { answerTimes } from './answer-times.ts';
import { askServer } from './ask-server.ts';
import { checkUpstream } from './check.ts';
import { kazooUpstream } from './kazoo.ts';
import { oidcUpstream } from './oidc.ts';
import { upstreamMethod, type Upstream, type UpstreamParts } from './upstream.ts';
import type { LoginMethods } from './verdict.ts';

/** Addresses of the servers of the configured methods. */
export interface LoginServers {
  readonly directory: HttpDirectoryConfig | null;
  readonly kazooCaFile: string | null;
  readonly oidcCaFile: string | null;
  /** Null: connections to every address are allowed. */
  readonly policy: AddressPolicy | null;
}

/** Concurrent requests, waiting logins, and the longest wait. */
const TURNS = { concurrency: 8, queue: 64, patienceMs: 1_000 };

/** The methods of `spec.auth.login` in order. */
export function buildMethods(
  auth: Subscription['spec']['auth'],
  servers: LoginServers,
  { directory, logger, onAnswer }: Pick<UpstreamParts, 'directory' | 'logger' | 'onAnswer'>,
): LoginMethods {
  const times = answerTimes();
  const parts: UpstreamParts = { directory, turns: createTurns(TURNS), times, logger, onAnswer };
  const order = auth.login.map((name) =>
    name === 'Directory' ? name : upstreamMethod(upstreamOf(name, auth, servers, directory), parts),
  );
  return { order, takesTokens: auth.login.includes('OIDC'), even: (start) => times.even(start) };
}

function upstreamOf(
  name: 'Check' | 'Kazoo' | 'OIDC',
  { kazoo, oidc }: Subscription['spec']['auth'],
  { directory: server, kazooCaFile, oidcCaFile, policy }: LoginServers,
  directory: LiveDirectory,
): Upstream {
  if (name === 'Check' && server !== null) {
    return checkUpstream(server, directory, askServer({ caFile: server.caFile, policy }));
  }
  if (name === 'Kazoo' && kazoo !== undefined) {
    return kazooUpstream(new URL(kazoo.url), askServer({ caFile: kazooCaFile, policy }));
  }
  if (name === 'OIDC' && oidc !== undefined) {
    return oidcUpstream(oidc, directory, askServer({ caFile: oidcCaFile, policy }));
  }
  throw new Error(`unreachable: the schema asks for the server of ${name}`);
}
