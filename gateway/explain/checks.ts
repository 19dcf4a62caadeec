import type { Check, CheckName, Verdict } from '../../protocol/explanation.ts';
import type { Reason } from '../../protocol/explanation-reason.ts';
import { holds } from '../journal/history.ts';
import type { FoundEvent, GroupLook, Look, SessionLook } from './look.ts';
import { every, grantsAccount, grantsEvent, isWithinLogin, passageOf, type Passage } from './session-outcome.ts';

/** A check, and the cause if it is the first false one. */
interface Judged extends Check {
  readonly reason: Reason | null;
}

/** The outcome of one session for the event. */
export interface SessionOutcome {
  readonly look: SessionLook;
  readonly passage: Passage;
  /** Whether accounts and names of the filter in force include it; null when unknown. */
  readonly isInFilter: boolean | null;
  /** Null when unknown. */
  readonly written: boolean | null;
  /** Whether a pong proved that the client has read it; null when the client sends no pongs, or none since. */
  readonly confirmed: boolean | null;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** Null when it was written, or no cause is known. */
  readonly reason: Reason | null;
  readonly checks: readonly Judged[];
  readonly outcomes: readonly SessionOutcome[];
}

/**
 * Why an event arrived or not. Pure: the same inputs give the same result. The first false check is the cause (X2); an
 * unknown value is null and not a cause.
 */
export function judge(look: Look): Judgement {
  const { search } = look;
  if (search.kind !== 'found') return absent(look);
  const { event } = search;
  const outcomes = look.sessions.map((session) => outcomeOf(session, event, look));
  const chosen = choose(outcomes);
  const ofEvent = [judgeFound(), judgeSound(event), judgeAccount(event, look), judgeOffer(look)];
  const ofLogin = judgeLogin(event, look, chosen);
  const rest = look.group === null ? [...judgeUser(look, chosen), ...judgeSession(chosen)] : judgeGroup(look.group);
  const checks = [...ofEvent, ...ofLogin, ...rest];
  return { ...conclude(checks, look.group, chosen), checks, outcomes };
}

function check(name: CheckName, ok: boolean | null, detail: string, reason: Reason | null = null): Judged {
  return { check: name, ok, detail, reason: ok === false ? reason : null };
}

function absent({ search }: Look): Judgement {
  const none = { outcomes: [] };
  const timeOf = (ms: number) => new Date(ms).toISOString();
  if (search.kind === 'trimmed') {
    const one = check('in_log', false, 'this place is older than what the log keeps', 'trimmed');
    return { verdict: 'unknown', reason: one.reason, checks: [one], ...none };
  }
  if (search.kind === 'gave_up') {
    const detail = `not found among the events since ${timeOf(search.at)}: name its call, its cursor or its place`;
    return { verdict: 'unknown', reason: null, checks: [check('in_log', null, detail)], ...none };
  }
  const since =
    search.kind === 'absent' && search.oldestAt !== null ? ` since ${timeOf(search.oldestAt)}, its oldest` : '';
  const one = check('in_log', false, `the log has no such event${since}`, 'unknown_event');
  return { verdict: 'not_written', reason: one.reason, checks: [one], ...none };
}

function judgeFound(): Judged {
  return check('in_log', true, 'the log has it');
}

function judgeSound({ poison }: FoundEvent): Judged {
  return check(
    'sound',
    poison === null,
    poison === null ? 'its entry is well-formed' : `its entry is not: ${poison}`,
    'poison',
  );
}

function judgeAccount({ account: id }: FoundEvent, { account, isTreeKnown }: Look): Judged {
  if (id === '') return check('account_known', false, 'it has no account', 'unknown_account');
  if (!isTreeKnown) return check('account_known', null, `${id} was changed in the directory since`);
  const detail = account === null ? `the directory has no account ${id}` : `${id} is in the directory`;
  return check('account_known', account !== null, detail, 'unknown_account');
}

function judgeOffer({ isOffered, account }: Look): Judged {
  if (account === null) return check('offered', null, 'it depends on the account');
  if (isOffered === null) return check('offered', null, 'what the resource offers was changed since');
  const detail = isOffered ? 'the resource offers it' : 'the resource leaves out this event or this account';
  return check('offered', isOffered, detail, 'filtered_by_resource');
}

/** The grant of the relevant session, or only the account of the login if there was none. */
function judgeLogin(event: FoundEvent, look: Look, chosen: SessionOutcome | null): Judged[] {
  const login = loginOf(chosen);
  const root = login?.account ?? look.loginAccount;
  const { account } = look;
  const within =
    account === null || root === null || !look.isTreeKnown
      ? null
      : isWithinLogin({ account: root, accounts: null, events: null }, account);
  const [hasAccount, hasEvent] = [grantsAccount(login, event.account), grantsEvent(login, event.name)];
  const whose = login === null ? 'no session tells what its token grants' : null;
  return [
    check('within_login', within, `the login is of ${root ?? 'an unknown account'}`, 'outside_of_login'),
    check(
      'account_granted',
      hasAccount,
      whose ?? `the token names ${listed(login?.accounts ?? null, 'accounts')}`,
      'account_not_granted',
    ),
    check(
      'event_granted',
      hasEvent,
      whose ?? `the token names ${listed(login?.events ?? null, 'events')}`,
      'event_not_granted',
    ),
  ];
}

const MOST_NAMED = 20;

function listed(names: readonly string[] | null, of: string): string {
  if (names === null) return `all ${of}`;
  return `${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''}`;
}

function loginOf(chosen: SessionOutcome | null) {
  const { passage } = chosen ?? {};
  if (passage !== undefined && 'segment' in passage && passage.segment !== null) return passage.segment.login;
  return chosen?.look.history.segments.at(-1)?.login ?? null;
}

/** `Close code` of a session that was revoked. */
const REVOKED = 4503;

/** A session that existed when the event passed proves that both were valid then. */
function judgeUser({ isUserEnabled }: Look, chosen: SessionOutcome | null): Judged[] {
  if (chosen !== null && isThere(chosen.passage)) {
    return [check('user_enabled', true, 'its session was open'), check('not_revoked', true, 'its session was open')];
  }
  const wasRevoked = chosen?.passage.kind === 'ended_before' && chosen.look.history.closed?.code === REVOKED;
  const state = isUserEnabled === null ? 'not known' : isUserEnabled ? 'enabled now' : 'disabled or not there now';
  return [
    check('user_enabled', isUserEnabled, `the user is ${state}`, 'user_disabled'),
    check(
      'not_revoked',
      chosen === null ? null : !wasRevoked,
      wasRevoked
        ? 'the last session before the event was revoked'
        : 'no session was ended by a revocation right before',
      'revoked',
    ),
  ];
}

function isThere({ kind }: Passage): boolean {
  return kind === 'in' || kind === 'passed' || kind === 'not_yet';
}

function judgeSession(chosen: SessionOutcome | null): Judged[] {
  const connected = judgeConnected(chosen);
  if (chosen === null || connected.ok !== true) {
    const why = connected.ok === null ? 'it is not known whether a session was there' : 'there was no session';
    return [
      connected,
      ...(['within_filter', 'not_skipped', 'written', 'confirmed'] as const).map((name) => check(name, null, why)),
    ];
  }
  const { passage, written, confirmed } = chosen;
  return [
    connected,
    judgeFilter(chosen),
    passage.kind === 'passed'
      ? check('not_skipped', false, `the session passed over it: ${passage.reason}`, passage.reason)
      : check('not_skipped', true, 'the session passed over no events there'),
    passage.kind === 'not_yet'
      ? check('written', false, 'the session is behind', 'not_written_yet')
      : check(
          'written',
          written,
          written === null
            ? 'it depends on what is not known'
            : written
              ? 'it was handed to the connection'
              : 'it was handed to no connection',
        ),
    check(
      'confirmed',
      confirmed === true ? true : null,
      confirmed === true ? 'a later pong proved that the client read it' : unconfirmed(written),
    ),
  ];
}

function unconfirmed(written: boolean | null): string {
  if (written === false) return 'it was not sent';
  return written === null ? 'no pong has proved its receipt' : 'sent; no pong has proved its receipt yet';
}

function judgeConnected(chosen: SessionOutcome | null): Judged {
  if (chosen === null) return check('connected', false, 'the journal has no such session', 'no_session_then');
  const { passage, look } = chosen;
  if (passage.kind === 'unknown') return check('connected', null, 'the journal does not say how far the session came');
  if (isThere(passage)) return check('connected', true, `session ${look.history.session} was there`);
  const { closed, session } = look.history;
  const detail =
    passage.kind === 'ended_before' && closed !== null
      ? `session ${session} had ended with ${closed.code} at ${new Date(closed.at).toISOString()}`
      : `session ${session} began behind the event`;
  return check('connected', false, detail, 'no_session_then');
}

function judgeFilter({ passage, isInFilter }: SessionOutcome): Judged {
  const segment = 'segment' in passage ? passage.segment : null;
  const grant = segment?.grant ?? null;
  if (grant === null) return check('within_filter', null, 'the filter then is not known');
  const detail = `the filter then was ${listed(grant.accounts, 'accounts')} and ${listed(grant.events, 'events')}`;
  return check('within_filter', isInFilter, detail, 'filtered');
}

/** The outcome of one session for an event. Pure. */
function outcomeOf(look: SessionLook, event: FoundEvent, { account, isOffered, isTreeKnown }: Look): SessionOutcome {
  const passage = passageOf(look, event.place);
  const segment = 'segment' in passage ? passage.segment : null;
  const grant = segment?.grant ?? null;
  const isInFilter = every(grantsAccount(grant, event.account), grantsEvent(grant, event.name));
  const isInTree = account === null ? (isTreeKnown ? false : null) : isTreeKnown ? isWithinLogin(grant, account) : null;
  const isMeant = every(event.poison === null, isInTree, isOffered, isInFilter);
  const { confirmed, group } = look.history;
  if (group !== null) return { look, passage, isInFilter, written: null, confirmed: null };
  const wasThere = passage.kind === 'in' ? true : passage.kind === 'unknown' ? null : false;
  const written = every(wasThere, isMeant);
  const isConfirmed = written === true && confirmed !== null && holds(confirmed, event.place);
  return { look, passage, isInFilter, written, confirmed: isConfirmed ? true : null };
}

const RANK: readonly Passage['kind'][] = ['in', 'passed', 'not_yet', 'unknown', 'ended_before', 'began_later'];

/**
 * The session that says most about the event: one that wrote it, one that existed then, the last one before it, the
 * first one after.
 */
function choose(outcomes: readonly SessionOutcome[]): SessionOutcome | null {
  const wrote = outcomes.findLast(({ written }) => written === true);
  if (wrote !== undefined) return wrote;
  for (const kind of RANK) {
    const found =
      kind === 'began_later'
        ? outcomes.find(({ passage }) => passage.kind === kind)
        : outcomes.findLast(({ passage }) => passage.kind === kind);
    if (found !== undefined) return found;
  }
  return null;
}

function judgeGroup({ group, isKept, owner, state }: GroupLook): Judged[] {
  const kept = check(
    'kept_by_group',
    isKept,
    isKept === null
      ? 'the grant of the group is not known'
      : `the filter of ${group} ${isKept ? 'keeps it' : 'leaves it out'}`,
    'not_kept_by_group',
  );
  const owned = check(
    'owned',
    owner !== null ? true : null,
    owner === null ? 'no replica reads its partition now' : `${owner} reads its partition`,
  );
  if (isKept === false) return [kept, owned, check('acknowledged', null, 'what a group leaves out is passed over')];
  return [kept, owned, judgeSettled(state)];
}

function judgeSettled(state: GroupLook['state']): Judged {
  switch (state.kind) {
    case 'acknowledged':
      return check('acknowledged', true, 'the group has passed it, and it is not pending');
    case 'not_read':
      return check('acknowledged', false, 'the group has not read so far', 'not_read_yet');
    case 'pending':
      return check('acknowledged', false, `it is pending after ${state.attempts} attempts`, 'not_acknowledged_yet');
    case 'dead_letter': {
      const { id, attempts, error, why } = state;
      const last = error === '' ? '' : `; the last error was: ${error}`;
      return check(
        'acknowledged',
        false,
        `dead letter ${id} (${why}) after ${attempts} attempts${last}`,
        'dead_letter',
      );
    }
  }
}

/** In a group its own state decides: it is not recorded which member got the event. */
function conclude(checks: readonly Judged[], group: GroupLook | null, chosen: SessionOutcome | null) {
  const first = checks.find(({ ok }) => ok === false) ?? null;
  const reason = first?.reason ?? null;
  if (group !== null) return ofGroup(group, first);
  if (chosen?.written === true) return { verdict: 'written', reason: null } as const;
  if (first !== null) return { verdict: 'not_written', reason } as const;
  return { verdict: 'unknown', reason: null } as const;
}

function ofGroup({ state }: GroupLook, first: Judged | null): Pick<Judgement, 'verdict' | 'reason'> {
  if (first !== null && first.check !== 'acknowledged') return { verdict: 'not_written', reason: first.reason };
  const reason = first?.reason ?? null;
  if (state.kind === 'not_read') return { verdict: 'pending', reason };
  return { verdict: state.kind, reason };
}
