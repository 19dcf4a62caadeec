import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { Account, Directory } from '../../directory/directory.ts';

/** An accepted login of a server. */
interface AllowedLogin {
  readonly account: string;
  readonly username: string;
  /** Absent: as the directory says. */
  readonly privacy?: string;
}

const LASTS_MS = 30_000;
const MOST = 10_000;

/** Logins that a server accepted a moment ago: a reconnect needs no request. The credentials are not kept. */
export interface AllowedLogins {
  /** Null: ask the server. An entry whose account has changed since is removed. */
  get(sent: readonly unknown[], directory: Directory): AllowedLogin | null;
  add(sent: readonly unknown[], login: AllowedLogin, directory: Directory): void;
}

/** The MAC's key exists only in this process. `now` in milliseconds of a monotonic clock. */
export function allowedLogins(now: () => number = () => performance.now(), most: number = MOST): AllowedLogins {
  const secret = createSecretKey(randomBytes(32));
  /** All last equally long, so the oldest is the first. */
  const kept = new Map<string, { readonly login: AllowedLogin; readonly state: string; readonly end: number }>();
  const keyOf = (sent: readonly unknown[]) =>
    createHmac('sha256', secret).update(JSON.stringify(sent)).digest('base64');
  return {
    get(sent, directory) {
      const key = keyOf(sent);
      const found = kept.get(key);
      if (found === undefined || found.end <= now()) return null;
      if (found.state === stateOf(directory.accounts.get(found.login.account))) return found.login;
      kept.delete(key);
      return null;
    },
    add(sent, login, directory) {
      const key = keyOf(sent);
      kept.delete(key);
      kept.set(key, { login, state: stateOf(directory.accounts.get(login.account)), end: now() + LASTS_MS });
      for (const [oldest, { end }] of kept) {
        if (end > now() && kept.size <= most) break;
        kept.delete(oldest);
      }
    },
  };
}

/** Changes with the account and all its ancestors. */
function stateOf(account: Account | undefined): string {
  const path: unknown[] = [];
  for (let one: Account | null = account ?? null; one !== null; one = one.parent) {
    path.push(one.id, one.name, one.realm, one.enabled);
  }
  return JSON.stringify(path);
}
