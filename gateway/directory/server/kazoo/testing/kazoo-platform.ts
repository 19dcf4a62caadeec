import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { startTlsServer } from '../../../../testing/tls-server.ts';

/** An account of the platform. */
export interface KazooAccount {
  name: string;
  realm: string;
  parent: string | null;
  enabled?: boolean;
}

type Odd = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Kazoo's API as its documentation has it (crossbar: `api_auth`, `accounts`), over TLS: the outermost edge, as no Kazoo
 * runs here. Tokens end when a test says so.
 */
export interface KazooPlatform extends AsyncDisposable {
  readonly url: string;
  readonly caFile: string;
  readonly apiKey: string;
  readonly accounts: Map<string, KazooAccount>;
  /** Method and path of each question so far. */
  readonly asked: string[];
  /** Logins so far. */
  readonly logins: number;
  /** All tokens that are out end now. */
  endTokens(): void;
  /** Answers a question itself where it returns true; null: none is. */
  misbehave(odd: Odd | null): void;
  close(): Promise<void>;
}

const PAGE = 3;
/** Each account has one user. */
export const KAZOO_USER = { username: 'eva', password: 'sesame' };
const CREDENTIALS = createHash('md5').update(`${KAZOO_USER.username}:${KAZOO_USER.password}`).digest('hex');

export async function startKazooPlatform(accounts: Record<string, KazooAccount>): Promise<KazooPlatform> {
  const server = await startTlsServer();
  const apiKey = 'canary-api-key';
  const all = new Map(Object.entries(accounts));
  const asked: string[] = [];
  let [token, logins] = ['token-0', 0];
  let odd: Odd | null = null;
  const root = [...all].find(([, { parent }]) => parent === null)?.[0] ?? '';
  const logIn = async (request: IncomingMessage, response: ServerResponse) => {
    const { data } = (await json(request)) as { data: { api_key: string } };
    if (data.api_key !== apiKey) return deny(response);
    logins += 1;
    return say(response, 201, { data: { account_id: root, apps: [], is_reseller: true }, auth_token: token });
  };
  server.answer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://kazoo');
    asked.push(`${request.method} ${pathname}`);
    if (odd?.(request, response) === true) return;
    if (pathname === '/v2/api_auth') {
      void logIn(request, response);
      return;
    }
    if (pathname === '/v2/user_auth') {
      void logUserIn(all, request, response);
      return;
    }
    if (request.headers['x-auth-token'] !== token) return deny(response);
    const [, id = '', what] = /^\/v2\/accounts\/([^/]+)(?:\/(\w+))?$/.exec(pathname) ?? [];
    const account = all.get(id);
    if (account === undefined) return say(response, 404, { data: { message: 'bad identifier' }, status: 'error' });
    if (what === 'descendants') return say(response, 200, page(all, id, searchParams.get('start_key')));
    if (what === 'tree') {
      return say(response, 200, { data: treeOf(all, id).map((one) => ({ id: one, name: all.get(one)?.name })) });
    }
    const { name, realm, enabled } = account;
    // The documents of accounts that were never disabled need not say so.
    say(response, 200, { data: { id, name, realm, ...(enabled !== undefined && { enabled }), timezone: 'UTC' } });
  });
  return {
    url: server.url,
    caFile: server.caFile,
    apiKey,
    accounts: all,
    asked,
    get logins() {
      return logins;
    },
    endTokens: () => (token = `token-${crypto.randomUUID()}`),
    misbehave: (next) => (odd = next),
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function logUserIn(
  all: ReadonlyMap<string, KazooAccount>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { data } = (await json(request)) as { data: { credentials: string; account_realm: string } };
  const [id] = [...all].find(([, { realm }]) => realm === data.account_realm) ?? [];
  if (id === undefined || data.credentials !== CREDENTIALS) return deny(response);
  return say(response, 201, { data: { account_id: id, owner_id: 'o' }, auth_token: 'of-a-user' });
}

function treeOf(all: ReadonlyMap<string, KazooAccount>, id: string): string[] {
  const parent = all.get(id)?.parent ?? null;
  return parent === null ? [] : [...treeOf(all, parent), parent];
}

/** Sorted by name, three rows a page. */
function page(all: ReadonlyMap<string, KazooAccount>, of: string, from: string | null) {
  const rows = [...all]
    .map(([id, { name, realm }]) => ({ id, name, realm, tree: treeOf(all, id) }))
    .filter(({ tree }) => tree.includes(of))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const start = from === null ? 0 : Number(Buffer.from(from, 'base64url').toString());
  const next = start + PAGE < rows.length && Buffer.from(String(start + PAGE)).toString('base64url');
  const data = rows.slice(start, start + PAGE);
  return { data, page_size: data.length, start_key: from ?? '', ...(next !== false && { next_start_key: next }) };
}

export function say(response: ServerResponse, status: number, body: object): void {
  const envelope = { request_id: 'r', revision: 'v', status: 'success', ...body };
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(envelope));
}

function deny(response: ServerResponse): void {
  say(response, 401, {
    data: { message: 'invalid credentials' },
    error: '401',
    message: 'invalid_credentials',
    status: 'error',
  });
}
