import type { ProblemCode } from '../../protocol/problem-code.ts';
import { isKnownEvent, NAMED_EVENTS } from '../../protocol/catalogue.ts';
import { MAX_PROFILE_NAME } from '../../protocol/subscription/privacy.ts';
import { LOGIN_KEYS } from '../../protocol/login-body.ts';
import { nearestName } from '../../protocol/nearest-name.ts';
import { foldDomain, foldName } from '../directory/fold.ts';
import type { Problem } from '../http/problem.ts';
import { MAX_PASSWORD_BYTES } from './password.ts';
import { ACCOUNT_ID } from '../../protocol/subscription/filters.ts';

/** `username` and `domain` are folded, see `directory/fold.ts`. */
export interface LoginRequest {
  readonly username: string;
  readonly password: string;
  readonly domain: string;
  /** Token of an identity provider; user name, password and domain are empty then. Otherwise null. */
  readonly accessToken: string | null;
  /** Exactly these accounts; null is all. */
  readonly accounts: readonly string[] | null;
  readonly events: readonly string[] | null;
  /** A profile of `spec.privacy` that shows no more than what is granted; null: what is granted. */
  readonly privacy: string | null;
  /** Unknown keys, cut to 64 characters, at most 20 of them. */
  readonly ignored: readonly string[];
}

export type ParsedLogin =
  { readonly ok: true; readonly request: LoginRequest } | { readonly ok: false; readonly problem: Problem };

const KEYS: ReadonlySet<string> = new Set(Object.keys(LOGIN_KEYS));
const TOKEN_KEY = 'access_token';
const MAX_TOKEN_CHARS = 16_384;
const FILTERS = ['accounts', 'events', 'privacy'];
const MAX_IGNORED = 20;
const MAX_IGNORED_CHARS = 64;
const MAX_DEPTH = 20;
const MAX_ACCOUNTS = 1_000;
const MAX_EVENTS = 100;
const MAX_NAME_CHARS = 256;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Carries the problem out of the nested checks; parseLogin catches it. */
class Refusal extends Error {
  readonly problem: Problem;
  constructor(code: ProblemCode, detail: string, more: Partial<Problem> = {}) {
    super(code);
    this.problem = { status: 400, code, detail, ...more };
  }
}

/**
 * The login's body, or the fault of its shape. Its size is judged where it is read (`http/login-route.ts`).
 * `additionalEvents` are the names that the configuration adds. `takesTokens`: `access_token` may replace the password.
 */
export function parseLogin(
  body: Buffer,
  additionalEvents: readonly string[] = [],
  takesTokens: boolean = false,
): ParsedLogin {
  try {
    return { ok: true, request: readLogin(body, additionalEvents, takesTokens) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, problem: error.problem };
    throw error;
  }
}

function readLogin(body: Buffer, additionalEvents: readonly string[], takesTokens: boolean): LoginRequest {
  const fields = readObject(body);
  const credentials = readCredentials(fields, takesTokens);
  const ignored = unknownKeys(fields, takesTokens);
  const accounts = list(fields, 'accounts', MAX_ACCOUNTS);
  const events = list(fields, 'events', MAX_EVENTS);
  accounts?.forEach((id, index) => {
    if (ACCOUNT_ID.test(id)) return;
    throw new Refusal('invalid_account_id', 'an account id is 1 to 64 of A-Z a-z 0-9 _ -', {
      field: `accounts[${index}]`,
    });
  });
  events?.forEach((name, index) => {
    if (isKnownEvent(name, additionalEvents)) return;
    throw new Refusal('unknown_event', 'no event has this name; known_events lists those that exist', {
      field: `events[${index}]`,
      extra: { known_events: [...NAMED_EVENTS, ...additionalEvents] },
    });
  });
  return {
    ...credentials,
    accounts: withoutRepeats(accounts),
    events: withoutRepeats(events),
    privacy: profileName(fields),
    ignored,
  };
}

/** Absent, null and an empty text mean "what is granted". */
function profileName(fields: Readonly<Record<string, unknown>>): string | null {
  const value = Object.hasOwn(fields, 'privacy') ? (fields['privacy'] ?? '') : '';
  return value === '' ? null : text(fields, 'privacy', MAX_PROFILE_NAME);
}

type Credentials = Pick<LoginRequest, 'username' | 'password' | 'domain' | 'accessToken'>;

function readCredentials(fields: Readonly<Record<string, unknown>>, takesTokens: boolean): Credentials {
  if (takesTokens && (fields[TOKEN_KEY] ?? null) !== null) {
    const accessToken = text(fields, TOKEN_KEY, MAX_TOKEN_CHARS);
    const both = ['username', 'password', 'domain'].find((key) => (fields[key] ?? null) !== null);
    if (both === undefined) return { username: '', password: '', domain: '', accessToken };
    const detail = `give either ${TOKEN_KEY}, or username, password and domain`;
    throw new Refusal('two_credentials', detail, { field: both });
  }
  const username = text(fields, 'username');
  const password = text(fields, 'password', MAX_PASSWORD_BYTES);
  const domain = text(fields, 'domain');
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) throw tooLong('password', `${MAX_PASSWORD_BYTES} bytes`);
  return { username: foldName(username), password, domain: foldDomain(domain), accessToken: null };
}

/** A mistyped filter or profile would silently show more, so it is refused; every other unknown key is ignored. */
function unknownKeys(fields: Readonly<Record<string, unknown>>, takesTokens: boolean): string[] {
  const isKnown = (key: string) => KEYS.has(key) || (takesTokens && key === TOKEN_KEY);
  const unknown = Object.keys(fields).filter((key) => !isKnown(key));
  for (const key of unknown) {
    const meant = nearestName(key.slice(0, MAX_IGNORED_CHARS), FILTERS);
    if (meant === null) continue;
    const field = key.slice(0, MAX_IGNORED_CHARS);
    const detail = `the login has no key ${JSON.stringify(field)}: did you mean ${JSON.stringify(meant)}?`;
    throw new Refusal('unknown_key', detail, { field, extra: { did_you_mean: meant } });
  }
  return unknown.slice(0, MAX_IGNORED).map((key) => key.slice(0, MAX_IGNORED_CHARS));
}

function readObject(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    const text = utf8.decode(body);
    if (isDeeper(text, MAX_DEPTH)) throw new Refusal('invalid_json', `the body nests deeper than ${MAX_DEPTH}`);
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal('invalid_json', 'the body is not JSON in UTF-8');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Refusal('invalid_json', 'the body is not a JSON object');
}

/** Whether brackets outside of strings nest deeper than `limit`. */
function isDeeper(text: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (inString) {
      if (character === '\\') index += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') {
      depth += 1;
      if (depth > limit) return true;
    } else if (character === '}' || character === ']') depth -= 1;
  }
  return false;
}

function text(fields: Readonly<Record<string, unknown>>, field: string, maxChars: number = MAX_NAME_CHARS): string {
  const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (value === undefined || value === null || value === '') {
    throw new Refusal('missing_field', `${field} is missing or empty`, { field });
  }
  if (typeof value !== 'string') throw new Refusal('wrong_type', `${field} is not a string`, { field });
  if (value.length > maxChars) throw tooLong(field, `${maxChars} characters`);
  return value;
}

function tooLong(field: string, limit: string): Refusal {
  return new Refusal('too_long', `${field} is longer than ${limit}`, { field });
}

/** Absent, null and an empty list all mean "all". */
function list(fields: Readonly<Record<string, unknown>>, field: 'accounts' | 'events', most: number): string[] | null {
  const value = Object.hasOwn(fields, field) ? fields[field] : null;
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) throw new Refusal('wrong_type', `${field} is not a list of strings`, { field });
  if (value.length > most) throw new Refusal(`too_many_${field}`, `${field} names more than ${most}`, { field });
  const strings = value.map((item: unknown, index) => {
    if (typeof item === 'string') return item;
    throw new Refusal('wrong_type', `${field}[${index}] is not a string`, { field: `${field}[${index}]` });
  });
  return strings.length === 0 ? null : strings;
}

function withoutRepeats(list: string[] | null): string[] | null {
  return list === null ? null : [...new Set(list)];
}
