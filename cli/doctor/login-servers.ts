import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import {
  askServer,
  readAnswer,
  ServerUnavailable,
  type AskServer,
  type ServerAnswer,
} from '../../gateway/auth/upstream/ask-server.ts';
import type { LoginServers } from '../../gateway/auth/upstream/build-methods.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import { DirectoryFault } from '../../gateway/directory/fault.ts';
import { readCredentials } from '../../gateway/directory/http/configuration.ts';
import { about, type About, type Finding } from '../../protocol/finding.ts';
import { PROBE_MS } from './limit.ts';

type Auth = GatewayConfig['subscription']['spec']['auth'];

/** No platform has this user: a server that accepts it accepts anyone. */
const NOBODY = { username: 'firehose-doctor', domain: 'firehose-doctor.invalid' };
const LETS_IN = 'lets in a user that does not exist, with a random password';
const CLOSE_IT = 'take it out of auth.login until it judges passwords';

const checkSchema = z.object({ result: z.enum(['allow', 'deny', 'ignore']) });
const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });
const keysSchema = z.object({ keys: z.array(z.object({ kty: z.string(), use: z.string().optional() })) });

/** Sends a login of a non-existent user to each server that judges logins, as a gateway does. */
export async function lookAtLoginServers(config: GatewayConfig): Promise<readonly Finding[]> {
  const { auth } = config.subscription.spec;
  const { login } = auth;
  const servers = config.loginServers;
  const findings = await Promise.all([
    login.includes('Check') ? lookAtCheck(servers) : null,
    login.includes('Kazoo') ? lookAtKazoo(auth, servers) : null,
    login.includes('OIDC') ? lookAtOidc(auth, servers) : null,
  ]);
  return findings.filter((finding) => finding !== null);
}

async function lookAtCheck({ directory: server, policy }: LoginServers): Promise<Finding | null> {
  if (server === null) return null;
  const url = new URL(`${server.url.href.replace(/\/$/, '')}/check`);
  const ask = askServer({ caFile: server.caFile, policy });
  return judged(about('login.check', shown(url)), async (say) => {
    const { token } = await readCredentials({ tokenFile: server.tokenFile, caFile: null });
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const body = { ...NOBODY, password: randomBytes(16).toString('hex'), account: null };
    const answer = await asked(ask, { url, method: 'POST', headers, body });
    if (answer.status === 401) return say.fail('does not know the token', 'give both the same: tokenSecretRef');
    if (answer.status !== 200) return say.fail(`answers ${answer.status}`, 'make it answer as docs/directory.md says');
    const { result } = readAnswer(answer, checkSchema);
    return result === 'allow' ? say.fail(LETS_IN, CLOSE_IT) : say.ok(`answers ${result} for a user that is not there`);
  });
}

async function lookAtKazoo({ kazoo }: Auth, { kazooCaFile, policy }: LoginServers): Promise<Finding | null> {
  if (kazoo === undefined) return null;
  const url = new URL(`${kazoo.url.replace(/\/$/, '')}/v2/user_auth`);
  const ask = askServer({ caFile: kazooCaFile, policy });
  return judged(about('login.kazoo', shown(url)), async (say) => {
    const credentials = randomBytes(16).toString('hex');
    const data = { credentials, method: 'md5', account_realm: NOBODY.domain };
    const { status } = await asked(ask, { url, method: 'PUT', body: { data } });
    if (status === 201) return say.fail(LETS_IN, CLOSE_IT);
    if ([400, 401, 403].includes(status)) return say.ok(`answers ${status} for a user that is not there`);
    return say.fail(`answers ${status}`, "give auth.kazoo.url the address of Kazoo's API (crossbar), without /v2");
  });
}

async function lookAtOidc({ oidc }: Auth, { oidcCaFile, policy }: LoginServers): Promise<Finding | null> {
  if (oidc === undefined) return null;
  const url = new URL(`${oidc.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const ask = askServer({ caFile: oidcCaFile, policy });
  return judged(about('login.oidc', shown(url)), async (say) => {
    const found = await asked(ask, { url, method: 'GET' });
    if (found.status !== 200)
      return say.fail(`answers ${found.status}`, 'give auth.oidc.issuer as the provider names it');
    const { issuer, jwks_uri: place } = readAnswer(found, discoverySchema);
    if (issuer !== oidc.issuer) {
      return say.fail('names another issuer: its tokens are refused', `set auth.oidc.issuer to ${issuer}`);
    }
    const keys = await asked(ask, { url: new URL(place), method: 'GET' });
    if (keys.status !== 200) return say.fail(`its key set answers ${keys.status}`, 'let gateways reach its jwks_uri');
    const usable = readAnswer(keys, keysSchema).keys.filter(({ kty, use = 'sig' }) => kty !== 'oct' && use === 'sig');
    if (usable.length === 0) return say.fail('publishes no key that signs', 'let it sign with an asymmetric key');
    return say.ok(`publishes ${usable.length} keys`);
  });
}

/** Without a user name or a query, which may contain a secret. */
function shown({ host, pathname }: URL): string {
  return host + pathname;
}

function asked(ask: AskServer, question: Omit<Parameters<AskServer>[0], 'signal'>): Promise<ServerAnswer> {
  return ask({ ...question, signal: AbortSignal.timeout(PROBE_MS) });
}

async function judged(say: About, look: (say: About) => Promise<Finding>): Promise<Finding> {
  try {
    return await look(say);
  } catch (error) {
    if (error instanceof DirectoryFault)
      return say.fail('its token cannot be read', 'mount the Secret of tokenSecretRef');
    if (!(error instanceof ServerUnavailable)) throw error;
    const fix = REMEDIES.find(([code]) => code.test(error.code))?.[1] ?? 'start it, and let gateways reach it';
    return say.fail(`cannot be asked (${error.code}): logins are answered 503`, fix);
  }
}

const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/CERT|SELF_SIGNED|UNABLE_TO|TLS|SSL|HOSTNAME/, 'name the authority of its certificate in its caSecretRef'],
  [/^TIMEOUT$/, 'make it answer within 3 s'],
  [/^ANSWER_/, 'make it answer as docs/directory.md says'],
  [/REFUSED_ADDRESS|ADDRESS/, 'give it an address that the platform allows'],
  [/ENOTFOUND|EAI_AGAIN/, 'correct the host in the spec'],
];
