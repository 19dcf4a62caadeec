import type { CursorStore } from './cursor-store.ts';
import { FirehoseError } from './errors.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
  /** Name or realm of the user's account. */
  readonly domain: string;
  /** A privacy profile of the gateway that shows no more than the user may see; default: what the user may see. */
  readonly privacy?: string;
}

/** More than eight members: the two ways to authenticate, the filters, and the parts that tests replace. */
export interface FirehoseOptions {
  /** Address of the gateway: `https://firehose.example.com:9443`. */
  readonly url: string;
  readonly login?: Login;
  /**
   * Replaces `login`: gets a token of the gateway in another way, within 15 s. If it rejects, it is called again after
   * the back-off; to stop the stream, it rejects with a FirehoseError.
   */
  readonly token?: (options: { readonly signal: AbortSignal }) => Promise<string>;
  /** Exactly these accounts; default: all that the login may see. */
  readonly accounts?: readonly string[];
  /** Only these event names; default: all. */
  readonly events?: readonly string[];
  /** Node.js: the certificate authority of the gateway, PEM. Needs the package `ws`. */
  readonly ca?: string | Uint8Array;
  /** Node.js: accepts any certificate, including an attacker's: only for trials. Needs the package `ws`. */
  readonly insecure?: boolean;
  /** Called with a line for each reconnect and its reason; never with a token. */
  readonly log?: (line: string) => void;
}

export interface StreamOptions {
  /** Stores the cursor of the last handled event; default: in memory. */
  readonly cursorStore?: CursorStore;
  /** Where to begin without a cursor: RFC 3339, or `-15m`; default: the present. */
  readonly from?: string;
  /** Ends the stream at this time; needs `from` or a cursor. */
  readonly to?: string;
  /** Begins with the live calls as an item of type `snapshot`. */
  readonly snapshot?: boolean;
  /**
   * `clamp` (default): a gap is an item, and the stream continues. `fail`: it is an error with the code `gap`.
   * `snapshot` (default with `snapshot`): a gap is an item, and the live calls follow it.
   */
  readonly onGap?: 'clamp' | 'fail' | 'snapshot';
  /** Ends the stream without an error. */
  readonly signal?: AbortSignal;
}

export interface CallsOptions {
  readonly signal?: AbortSignal;
}

export interface GroupOptions {
  /** Most deliveries without an acknowledgement; default 1. */
  readonly concurrency?: number;
  /**
   * How often the client asks for more time for a delivery that is being handled; use half of the group's `ackWait`.
   * Default 15,000 ms.
   */
  readonly progressMs?: number;
  /** Begins at the present position of the group with the filters of this client; see docs/never-lose-an-event.md. */
  readonly regroup?: boolean;
  readonly signal?: AbortSignal;
}

/** Throws a FirehoseError that names every wrong option. */
export function judgeOptions({ url, login, token, accounts, events }: FirehoseOptions): void {
  const faults: string[] = [];
  if (!isOrigin(url)) faults.push('url: must be as https://host:9443, without a path');
  if ((login === undefined) === (token === undefined)) faults.push('login, token: give exactly one of them');
  if (token !== undefined && (accounts ?? events) !== undefined)
    faults.push('accounts, events: belong to a login; a token has its own');
  for (const [name, list] of Object.entries({ accounts, events })) {
    if (list !== undefined && list.length === 0)
      faults.push(`${name}: an empty list sees nothing; leave it out for all`);
  }
  if (faults.length > 0) throw new FirehoseError('invalid_option', faults.join('; '));
}

/** Throws a FirehoseError that names every wrong option of a stream. */
export function judgeStream({ snapshot = false, from, to, onGap }: StreamOptions): void {
  const faults: string[] = [];
  if (snapshot && (from ?? to) !== undefined) faults.push('from, to: a snapshot is of now; leave them out');
  if (snapshot && onGap !== undefined && onGap !== 'snapshot') faults.push('onGap: with a snapshot it is snapshot');
  if (faults.length > 0) throw new FirehoseError('invalid_option', faults.join('; '));
}

function isOrigin(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, origin, href } = new URL(url);
  return /^https?:$/.test(protocol) && href === `${origin}/`;
}
