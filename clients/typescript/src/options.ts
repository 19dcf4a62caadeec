import type { CursorStore } from './cursor-store.ts';
import { FirehoseError } from './errors.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
  /** Name or realm of the user's account. */
  readonly domain: string;
  /** A privacy profile of the gateway that shows no more than what the user may see; that when not given. */
  readonly privacy?: string;
}

/** More than eight members: the two ways to authenticate, the filters, and what tests replace. */
export interface FirehoseOptions {
  /** Where the gateway is, as `https://firehose.example.com:9443`. */
  readonly url: string;
  readonly login?: Login;
  /**
   * In place of `login`: gets a token of the gateway in another way, within 15 s. When it rejects, it is asked again after the
   * back-off; to stop the stream it rejects with a FirehoseError.
   */
  readonly token?: (options: { readonly signal: AbortSignal }) => Promise<string>;
  /** Exactly these accounts; all that the login may see when not given. */
  readonly accounts?: readonly string[];
  /** Only these event names; all when not given. */
  readonly events?: readonly string[];
  /** Node.js: the authority of the gateway's certificate, as PEM. Needs the package `ws`. */
  readonly ca?: string | Uint8Array;
  /** Node.js: takes any certificate, also one of an attacker: for trials alone. Needs the package `ws`. */
  readonly insecure?: boolean;
  /** Called with a line for each reconnect and its reason; never with a token. */
  readonly log?: (line: string) => void;
}

export interface StreamOptions {
  /** Where the cursor of the last handled event is kept; in memory when not given. */
  readonly cursorStore?: CursorStore;
  /** Where to begin without a cursor: RFC 3339, or `-15m`; with what comes from now on when not given. */
  readonly from?: string;
  /** Ends the stream there; needs `from` or a cursor. */
  readonly to?: string;
  /** Begins with the live calls as an item of type `snapshot`. */
  readonly snapshot?: boolean;
  /**
   * `clamp` (default): a gap is an item, and the stream continues. `fail`: it is an error with the code `gap`. `snapshot`
   * (default with `snapshot`): a gap is an item, and the live calls follow it.
   */
  readonly onGap?: 'clamp' | 'fail' | 'snapshot';
  /** Ends the stream without an error. */
  readonly signal?: AbortSignal;
}

export interface CallsOptions {
  readonly signal?: AbortSignal;
}

export interface GroupOptions {
  /** Deliveries that wait for their acknowledgement at once; 1 when not given. */
  readonly concurrency?: number;
  /** How often a delivery that is under way asks for more time; half of the group's `ackWait`. 15,000 ms when not given. */
  readonly progressMs?: number;
  /** From the present position of the group with the filters of this client; see docs/never-lose-an-event.md. */
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
