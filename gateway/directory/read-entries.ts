import { CORE_SCHEMA, load, YAMLException } from 'js-yaml';
import { MAX_PROFILE_NAME, PROFILE_NAME } from '../../protocol/subscription/privacy.ts';
import type { Fault } from './fault.ts';
import { ACCOUNT_ID } from '../../protocol/subscription/filters.ts';

/** An account as the file has it: each field has the right type; relations between entries are not checked yet. */
export interface AccountEntry {
  readonly where: string;
  readonly id: string;
  readonly name: string;
  readonly realm: string;
  readonly parent: string | null;
  readonly enabled: boolean;
}

export interface UserEntry {
  readonly where: string;
  readonly username: string;
  readonly account: string;
  readonly passwordHash: string;
  readonly enabled: boolean;
  readonly privacy: string | null;
}

export interface Entries {
  readonly accounts: readonly AccountEntry[];
  readonly users: readonly UserEntry[];
  readonly faults: Fault[];
}

const NAME_LENGTH = 256;
/** PHC string of argon2id, version 19; the cost is bounded so that a typing error cannot ask for all memory. */
const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,172}$/;
const MAX_MEMORY_KIB = 262_144;
const MAX_PASSES = 16;

const ROOT_KEYS = new Set(['accounts', 'users']);
const ACCOUNT_KEYS = new Set(['id', 'name', 'realm', 'parent', 'enabled']);
const USER_KEYS = new Set(['username', 'account', 'passwordHash', 'enabled', 'privacy']);

type Fields = Readonly<Record<string, unknown>>;

/** The text as entries: everything about one entry is checked here, relations between entries in account-tree.ts. */
export function readEntries(text: string): Entries {
  const faults: Fault[] = [];
  const root = parse(text, faults);
  return root === null ? { accounts: [], users: [], faults } : readRoot(root, faults);
}

/** A JSON document as entries; no other YAML. */
export function readJsonEntries(text: string): Entries {
  const faults: Fault[] = [];
  const root = parseJson(text);
  if (isFields(root)) return readRoot(root, faults);
  const message = root === undefined ? 'is not JSON' : 'is not a mapping: give it the keys accounts and users';
  return { accounts: [], users: [], faults: [{ where: 'the document', message }] };
}

/**
 * Lines of JSON as entries: one with `username` is a user, any other an account. Empty lines are ignored. `isWhole`: a
 * directory needs an account.
 */
export function readLineEntries(lines: Iterable<string>, isWhole = true): Entries {
  const faults: Fault[] = [];
  const accounts: AccountEntry[] = [];
  const users: UserEntry[] = [];
  let at = 0;
  for (const line of lines) {
    at += 1;
    if (line.trim() === '') continue;
    const where = `line ${at}`;
    const fields = parseJson(line);
    if (!isFields(fields)) {
      faults.push({ where, message: fields === undefined ? 'is not JSON' : 'is not a mapping' });
    } else if (Object.hasOwn(fields, 'username')) {
      const user = readUser(fields, where, faults);
      if (user !== null) users.push(user);
    } else {
      const account = readAccount(fields, where, faults);
      if (account !== null) accounts.push(account);
    }
  }
  if (isWhole && faults.length === 0 && accounts.length === 0) faults.push(NO_ACCOUNT);
  return { accounts, users, faults };
}

const NO_ACCOUNT: Fault = { where: 'accounts', message: 'is empty: give at least one account' };

/** Undefined where the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readRoot(root: Fields, faults: Fault[]): Entries {
  unknownKeys(root, ROOT_KEYS, { where: '', faults });
  const accounts = entriesOf(root, 'accounts', faults).map(({ where, fields }) => readAccount(fields, where, faults));
  const users = entriesOf(root, 'users', faults).map(({ where, fields }) => readUser(fields, where, faults));
  if (faults.length === 0 && accounts.length === 0) {
    faults.push(NO_ACCOUNT);
  }
  return {
    accounts: accounts.filter((entry) => entry !== null),
    users: users.filter((entry) => entry !== null),
    faults,
  };
}

/** JSON is YAML, and several times as fast to read: a large directory is best written as JSON. */
function parse(text: string, faults: Fault[]): Fields | null {
  let value: unknown;
  try {
    value = text.trimStart().startsWith('{') ? jsonOrYaml(text) : load(text, { schema: CORE_SCHEMA });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const where = error.mark ? `line ${error.mark.line + 1}` : 'the file';
    faults.push({ where, message: `is not YAML: ${error.reason}` });
    return null;
  }
  if (isFields(value)) return value;
  faults.push({ where: 'the file', message: 'is not a mapping: give it the keys accounts and users' });
  return null;
}

function jsonOrYaml(text: string): unknown {
  const value = parseJson(text);
  return value === undefined ? load(text, { schema: CORE_SCHEMA }) : value;
}

function entriesOf(root: Fields, key: string, faults: Fault[]): { where: string; fields: Fields }[] {
  const list = root[key] ?? [];
  if (!Array.isArray(list)) {
    faults.push({ where: key, message: 'is not a list' });
    return [];
  }
  return list.flatMap((fields: unknown, index) => {
    const where = `${key}[${index}]`;
    if (isFields(fields)) return [{ where, fields }];
    faults.push({ where, message: 'is not a mapping' });
    return [];
  });
}

function readAccount(fields: Fields, where: string, faults: Fault[]): AccountEntry | null {
  const before = faults.length;
  const at = { where, faults };
  unknownKeys(fields, ACCOUNT_KEYS, at);
  const entry = {
    where,
    id: idOf(fields, 'id', at),
    name: textOf(fields, 'name', at),
    realm: textOf(fields, 'realm', at),
    parent: fields['parent'] === undefined || fields['parent'] === null ? null : idOf(fields, 'parent', at),
    enabled: enabledOf(fields, at),
  };
  // An entry without a usable id is ignored; one with another fault still counts as an account.
  return faults.length === before || entry.id !== '' ? entry : null;
}

function readUser(fields: Fields, where: string, faults: Fault[]): UserEntry | null {
  const at = { where, faults };
  unknownKeys(fields, USER_KEYS, at);
  const entry = {
    where,
    username: textOf(fields, 'username', at),
    account: idOf(fields, 'account', at),
    passwordHash: hashOf(fields, at),
    enabled: enabledOf(fields, at),
    privacy: privacyOf(fields, at),
  };
  return entry.username !== '' && entry.account !== '' ? entry : null;
}

interface At {
  readonly where: string;
  readonly faults: Fault[];
}

function unknownKeys(fields: Fields, known: ReadonlySet<string>, at: At): void {
  for (const key of Object.keys(fields)) {
    if (known.has(key)) continue;
    const where = at.where === '' ? key.slice(0, NAME_LENGTH) : `${at.where}.${key.slice(0, NAME_LENGTH)}`;
    at.faults.push({ where, message: `is not known here: known are ${[...known].join(', ')}` });
  }
}

/** Empty when the field is faulty; the fault is recorded then. */
function textOf(fields: Fields, key: string, at: At): string {
  const value = fields[key];
  const where = `${at.where}.${key}`;
  if (typeof value === 'string' && value !== '' && value.length <= NAME_LENGTH) return value;
  at.faults.push({ where, message: whyNotText(value) });
  return '';
}

function whyNotText(value: unknown): string {
  if (value === undefined || value === null || value === '') return 'is missing';
  if (typeof value === 'string') return `is longer than ${NAME_LENGTH} characters`;
  if (typeof value === 'object') return 'is not a text';
  return `is read as a ${typeof value}: quote it`;
}

function idOf(fields: Fields, key: string, at: At): string {
  const id = textOf(fields, key, at);
  if (id === '' || ACCOUNT_ID.test(id)) return id;
  at.faults.push({ where: `${at.where}.${key}`, message: 'is not an id: 1 to 64 of A-Z a-z 0-9 _ -' });
  return '';
}

function enabledOf(fields: Fields, at: At): boolean {
  const value = fields['enabled'] ?? true;
  if (typeof value === 'boolean') return value;
  at.faults.push({ where: `${at.where}.enabled`, message: 'is neither true nor false' });
  return false;
}

/** Whether the resource has such a profile is judged at each login: the resource may change later. */
function privacyOf(fields: Fields, at: At): string | null {
  const value = fields['privacy'] ?? null;
  if (value === null || (typeof value === 'string' && value.length <= MAX_PROFILE_NAME && PROFILE_NAME.test(value)))
    return value;
  at.faults.push({ where: `${at.where}.privacy`, message: 'is not the name of a profile of spec.privacy' });
  return null;
}

function hashOf(fields: Fields, at: At): string {
  const hash = fields['passwordHash'];
  const where = `${at.where}.passwordHash`;
  const parts = typeof hash === 'string' ? PHC.exec(hash) : null;
  if (typeof hash !== 'string' || parts === null) {
    // The value is not repeated: it may be a plain password.
    at.faults.push({ where, message: 'is not an argon2id hash: make one with `npm run -s hash-password`' });
    return '';
  }
  const [, memory, passes, lanes] = parts.map(Number);
  if (!inside(memory, MAX_MEMORY_KIB) || !inside(passes, MAX_PASSES) || !inside(lanes, MAX_PASSES)) {
    const most = `m=${MAX_MEMORY_KIB},t=${MAX_PASSES},p=${MAX_PASSES}`;
    at.faults.push({ where, message: `costs more than ${most}: make one with \`npm run -s hash-password\`` });
  }
  return hash;
}

function inside(value: number | undefined, most: number): boolean {
  return value !== undefined && value >= 1 && value <= most;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
