import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { secretValue } from '../../../../runtime/files/secret-value.ts';
import { askServer, readAnswer, ServerUnavailable, type ServerAnswer } from '../../../auth/upstream/ask-server.ts';
import { MAX_ENTRIES } from '../../http/snapshot.ts';
import { SourceUnavailable } from '../feed.ts';
import {
  authSchema,
  documentSchema,
  pageSchema,
  treeSchema,
  type AccountDocument,
  type AccountRow,
} from './answers.ts';
import { readText, unreadable } from '../../../../runtime/files/text-file.ts';

export interface CrossbarPlace {
  readonly url: URL;
  readonly apiKeyFile: string;
  /** PEM of authorities; null: the system's. */
  readonly caFile: string | null;
}

/** Client of Kazoo's API with the API key of an account. Every method rejects with a SourceUnavailable. */
export interface Crossbar {
  /** The account of the API key. */
  account(signal: AbortSignal): Promise<string>;
  /** Null when there is none, or none that the API key may see. */
  document(id: string, signal: AbortSignal): Promise<AccountDocument | null>;
  descendants(id: string, signal: AbortSignal): Promise<readonly AccountRow[]>;
  /** Ids of its ancestors. */
  ancestors(id: string, signal: AbortSignal): Promise<readonly string[] | null>;
}

const QUESTION_MS = 10_000;
/** Kazoo's token bucket: 100 requests, refilled by 10 a second. */
const WAITS_MS = [500, 1_000, 2_000, 4_000, 8_000];
const LONGEST_WAIT_S = 60;
/** Kazoo lowers it to its own `maximum_range`. */
const PAGE_SIZE = 200;

interface Session {
  readonly token: string;
  readonly account: string;
}

export function openCrossbar(place: CrossbarPlace): Crossbar {
  const ask = askServer({ caFile: place.caFile, policy: null });
  const urlOf = (path: string) => new URL(`${place.url.href.replace(/\/$/, '')}/v2${path}`);
  let current: Session | null = null;
  let loggingIn: Promise<Session> | null = null;
  const once = async (
    method: 'GET' | 'PUT',
    path: string,
    signal: AbortSignal,
    more: object,
  ): Promise<ServerAnswer> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(QUESTION_MS)]);
    return ask({ url: urlOf(path), method, signal: limit, ...more });
  };
  const logIn = async (signal: AbortSignal): Promise<Session> => {
    const body = { data: { api_key: await apiKey(place.apiKeyFile) } };
    const answer = await patiently(() => once('PUT', '/api_auth', signal, { body }), signal);
    if (answer.status === 401 || answer.status === 403) throw refusedKey();
    if (answer.status !== 201 && answer.status !== 200) throw unexpected(answer.status);
    const { auth_token: token, data } = understood(answer, authSchema);
    return { token, account: data.account_id };
  };
  /** `ended` is a session whose token expired. All waiting requests share one login. */
  const loggedIn = (signal: AbortSignal, ended: Session | null): Promise<Session> => {
    if (current !== null && current !== ended) return Promise.resolve(current);
    loggingIn ??= logIn(signal)
      .then((begun) => (current = begun))
      .finally(() => (loggingIn = null));
    return loggingIn;
  };
  const get = async (path: string, signal: AbortSignal): Promise<ServerAnswer> => {
    const withToken = async (held: Session) => {
      const headers = { 'x-auth-token': held.token };
      return patiently(() => once('GET', path, signal, { headers }), signal);
    };
    const first = await loggedIn(signal, null);
    const answer = await withToken(first);
    if (answer.status !== 401) return answer;
    const again = await withToken(await loggedIn(signal, first));
    if (again.status === 401) throw refusedKey();
    return again;
  };
  return {
    account: async (signal) => (await loggedIn(signal, null)).account,
    async document(id, signal) {
      const answer = await get(`/accounts/${id}`, signal);
      return isAbsent(answer) ? null : understood(ok(answer), documentSchema).data;
    },
    async ancestors(id, signal) {
      const answer = await get(`/accounts/${id}/tree?paginate=false`, signal);
      return isAbsent(answer) ? null : understood(ok(answer), treeSchema).data.map((one) => one.id);
    },
    descendants: (id, signal) => allPages((path) => get(path, signal), `/accounts/${id}/descendants`),
  };
}

/** Every row, page by page. A repeated start key ends it, or it would never end. */
async function allPages(get: (path: string) => Promise<ServerAnswer>, path: string): Promise<readonly AccountRow[]> {
  const rows: AccountRow[] = [];
  const keys = new Set<string>();
  for (let key: string | undefined = ''; key !== undefined;) {
    const from = key === '' ? '' : `&start_key=${encodeURIComponent(key)}`;
    const page: z.output<typeof pageSchema> = understood(
      ok(await get(`${path}?page_size=${PAGE_SIZE}${from}`)),
      pageSchema,
    );
    rows.push(...page.data);
    if (rows.length > MAX_ENTRIES) {
      throw new SourceUnavailable('TOO_LARGE', `Kazoo has more than ${MAX_ENTRIES} accounts below this one`);
    }
    key = page.next_start_key;
    if (key !== undefined && keys.has(key)) {
      throw new SourceUnavailable('PAGE_LOOP', "Kazoo's pages of accounts lead back to an earlier one");
    }
    if (key !== undefined) keys.add(key);
  }
  return rows;
}

/** Waits and repeats the request while Kazoo answers 429 or a server error. */
async function patiently(ask: () => Promise<ServerAnswer>, signal: AbortSignal): Promise<ServerAnswer> {
  for (let tries = 0; ; tries += 1) {
    const wait = WAITS_MS[tries];
    const outcome = await attempt(ask);
    if ('status' in outcome && outcome.status !== 429 && outcome.status < 500) return outcome;
    const fault = 'status' in outcome ? unexpected(outcome.status) : outcome;
    if (wait === undefined || signal.aborted) throw fault;
    const asked = 'status' in outcome ? Math.min(outcome.retryAfterS ?? 0, LONGEST_WAIT_S) * 1_000 : 0;
    await delay(Math.max(wait, asked), undefined, { signal }).catch(() => undefined);
  }
}

async function attempt(ask: () => Promise<ServerAnswer>): Promise<ServerAnswer | SourceUnavailable> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ServerUnavailable)) throw error;
    return new SourceUnavailable(error.code, `Kazoo's API cannot be asked (${error.code})`);
  }
}

async function apiKey(file: string): Promise<string> {
  let text: string;
  try {
    text = await readText(file);
  } catch (error) {
    throw new SourceUnavailable('KEY_UNREADABLE', `the file of the API key ${unreadable(error)}`);
  }
  const value = secretValue(text);
  if ('value' in value) return value.value;
  throw new SourceUnavailable('KEY_UNREADABLE', `the file of the API key ${value.fault}`);
}

/** An account that was deleted, or that is not below the API key's. */
function isAbsent({ status }: ServerAnswer): boolean {
  return status === 404 || status === 403;
}

function ok(answer: ServerAnswer): ServerAnswer {
  if (answer.status !== 200) throw unexpected(answer.status);
  return answer;
}

function understood<T>(answer: ServerAnswer, schema: z.ZodType<T>): T {
  try {
    return readAnswer(answer, schema);
  } catch (error) {
    if (!(error instanceof ServerUnavailable)) throw error;
    throw new SourceUnavailable(error.code, `Kazoo's API has answered what is not understood (${error.code})`);
  }
}

function unexpected(status: number): SourceUnavailable {
  const hint = status === 429 ? ': it limits the number of questions (system_config/token_buckets)' : '';
  return new SourceUnavailable(`STATUS_${status}`, `Kazoo's API answers ${status}${hint}`);
}

function refusedKey(): SourceUnavailable {
  return new SourceUnavailable('KEY_REFUSED', 'Kazoo refuses the API key: take that of GET /v2/accounts/{id}/api_key');
}
