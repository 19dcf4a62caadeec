import type { LiveDirectory } from '../../directory/directory.ts';
import type { Logger } from '../../../runtime/logging/logger.ts';
import type { Turns } from '../turns.ts';
import { allowedLogins, type AllowedLogins } from './allowed-logins.ts';
import type { AnswerTimes } from './answer-times.ts';
import { ServerUnavailable } from './ask-server.ts';
import type { Judged, LoginMethod, Turn, Verdict, Via } from './verdict.ts';

export interface UpstreamParts {
  readonly directory: LiveDirectory;
  /** Shared by all methods of a gateway. */
  readonly turns: Turns;
  readonly times: AnswerTimes;
  readonly logger: Logger;
  readonly onAnswer: (via: Via, outcome: UpstreamOutcome, seconds: number) => void;
  /** Limit for one request, default 3 s. */
  readonly limitMs?: number;
}

type UpstreamOutcome = 'allow' | 'deny' | 'ignore' | 'unavailable';

/** The request to one server, and the reading of its answer. */
export interface Upstream {
  readonly via: Via;
  /** Null: this login is not for the server, or lacks what it needs; the verdict then. */
  readonly prepare: (login: Judged) => Ask | Verdict;
}

/** Sends the request. Rejects with a ServerUnavailable. */
export type Ask = (signal: AbortSignal) => Promise<Exclude<Verdict, { kind: 'refused' | 'busy' | 'unavailable' }>>;

const LIMIT_MS = 3_000;

/** A method that sends requests to a server: in turns, with a limit of time, and with a cache of accepted logins. */
export function upstreamMethod({ via, prepare }: Upstream, parts: UpstreamParts): LoginMethod {
  const allowed = allowedLogins();
  const outages = outageLines(via, parts.logger);
  return {
    remembered: (login) => remembered(login, { via, allowed, directory: parts.directory }),
    async judge(login, turn) {
      const ask = prepare(login);
      if (typeof ask !== 'function') return ask;
      if (!(await parts.turns.take(turn.lanes))) return { kind: 'busy' };
      try {
        const verdict = await askInTurn(ask, { via, turn, outages }, parts);
        // A login that ends at a time of its own must not be accepted because of another token.
        if (verdict.kind === 'allow' && verdict.endsAt === undefined) {
          const { account, username, privacy } = verdict;
          const kept = { account: account.id, username, ...(privacy !== undefined && { privacy }) };
          allowed.add(sentBy(login), kept, parts.directory.current);
        }
        return verdict;
      } finally {
        parts.turns.give();
      }
    },
  };
}

async function askInTurn(
  ask: Ask,
  { via, turn, outages }: { readonly via: Via; readonly turn: Turn; readonly outages: (code: string | null) => void },
  { times, onAnswer, limitMs = LIMIT_MS }: UpstreamParts,
): Promise<Verdict> {
  // The limits may also delay it: no login holds its turn for longer.
  const signal = AbortSignal.timeout(limitMs);
  if (!(await turn.admit())) return { kind: 'refused' };
  const start = performance.now();
  const told = (outcome: UpstreamOutcome) => onAnswer(via, outcome, (performance.now() - start) / 1_000);
  try {
    const verdict = await ask(signal);
    times.add(performance.now() - start);
    told(verdict.kind);
    outages(null);
    return verdict;
  } catch (error) {
    if (!(error instanceof ServerUnavailable)) throw error;
    told('unavailable');
    outages(error.code);
    return { kind: 'unavailable' };
  }
}

/** One line for each outage and reason, whatever the number of logins. */
function outageLines(via: Via, logger: Logger): (code: string | null) => void {
  let told: string | null = null;
  return (code) => {
    if (code !== null && code !== told) {
      logger.warn({ method: via, code }, 'logins are answered 503: their server cannot be asked; tokens go on');
    }
    if (code === null && told !== null) logger.info({ method: via }, 'the server of logins answers again');
    told = code;
  };
}

function remembered(
  login: Judged,
  { via, allowed, directory }: { via: Via; allowed: AllowedLogins; directory: LiveDirectory },
): Verdict | null {
  const known = allowed.get(sentBy(login), directory.current);
  const account = known && directory.current.accounts.get(known.account);
  if (known === null || !account) return null;
  return { ...known, kind: 'allow', account, via };
}

/** Everything that decides. Any revocation since then has another mark: the server is asked again. */
function sentBy({ request, named: account, mark }: Judged): readonly unknown[] {
  const { username, password, domain } = request;
  return [username, password, domain, account?.id ?? null, mark];
}
