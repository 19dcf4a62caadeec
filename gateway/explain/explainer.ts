import type { Explanation, ExplainedSession } from '../../protocol/explanation.ts';
import type { Position } from '../../protocol/position.ts';
import { splitId } from '../../protocol/position.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { EventLog } from '../../event-log/event-log.ts';
import { isActive, type Account, type Directory } from '../directory/directory.ts';
import { foldName } from '../directory/fold.ts';
import { createOffer } from '../fanout/offer.ts';
import type { Grant } from '../auth/grant.ts';
import type { Journal, JournalRead } from '../journal/journal.ts';
import { historiesOf, holds, type Place, type SessionHistory } from '../journal/history.ts';
import type { LiveReplica } from '../replica/presence.ts';
import type { Scope } from '../subscription/scope.ts';
import { judge, type Judgement, type SessionOutcome } from './checks.ts';
import { findEvent, type SearchBudget } from './find-event.ts';
import { lookAtGroup, type GroupsPlace } from './group-look.ts';
import type { FoundEvent, Look, Standing } from './look.ts';
import { every, grantsAccount, grantsEvent, isWithinLogin } from './session-outcome.ts';

/** The account, user or session of a question. */
export type Subject =
  | { readonly kind: 'user'; readonly account: string; readonly user: string }
  | { readonly kind: 'session'; readonly session: string }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'group'; readonly account: string };

export interface Question {
  readonly event: string;
  readonly callId: string | null;
  readonly cursor: Position | null;
  /** About when it was ingested, Unix milliseconds. */
  readonly at: number | null;
  readonly subject: Subject;
  readonly group: ConsumerGroup | null;
  /**
   * The grant of a consumer that asks about itself: events beyond it get the same answer as events that never existed
   * (X3). Null: an administrator.
   */
  readonly viewer: Grant | null;
}

/** A session of this replica. */
interface LiveSession {
  readonly id: string;
  readonly writtenTo: Position | null;
}

/** More than eight members: everything that delivery depends on. */
export interface ExplainerOptions {
  readonly eventLog: EventLog;
  readonly journal: Journal;
  readonly directory: () => Directory;
  readonly scope: () => Scope;
  /** Name of this replica. */
  readonly sessions: Iterable<LiveSession>;
  /** The replicas that are alive; null when there is one. */
  readonly replicas: () => readonly LiveReplica[] | null;
  /** Null with the embedded log. */
  readonly groups: GroupsPlace | null;
  /** Of webhooks and other sinks of this replica. */
  readonly senders: () => readonly SenderAttempts[];
  readonly now: () => number;
}

interface SenderAttempts {
  readonly name: string;
  shown(): {
    readonly attempts: readonly {
      readonly at: string;
      readonly eventId: string;
      readonly attempt: number;
      readonly status: number | null;
      readonly code: string | null;
    }[];
  };
}

const BUDGET: SearchBudget = { entries: 200_000, ms: 3_000 };
/** A consumer's search costs resources of all others. */
const OWN_BUDGET: SearchBudget = { entries: 50_000, ms: 1_000 };
/** Delay after which another replica's last entry is known: it writes and beats once a second. */
const SETTLED_MS = 4_000;

/** Rejects with LogUnavailable, JournalUnavailable or the Redis client's error. */
export async function explain(options: ExplainerOptions, question: Question): Promise<Explanation> {
  const { viewer } = question;
  const context = { directory: options.directory(), offers: createOffer(options.scope()) };
  const isMeant = (event: FoundEvent) => viewer === null || isVisible(event, viewer, context);
  const { event: id, callId, cursor: position, at } = question;
  const sought = { event: id, callId, position, at, isMeant };
  const search = await findEvent(options.eventLog, sought, viewer === null ? BUDGET : OWN_BUDGET);
  if (search.kind !== 'found' && viewer !== null) return UNKNOWN_EVENT;
  const read = await readJournal(options.journal, question.subject);
  const histories = historiesOf(read.entries).filter((history) => isOf(history, question));
  const event = search.kind === 'found' ? search.event : null;
  const account = event === null ? null : (context.directory.accounts.get(event.account) ?? null);
  const changes = event === null ? NO_CHANGES : changesSince(read, event, account);
  const login = loginOf(question.subject, histories);
  const look: Look = {
    search,
    account,
    isTreeKnown: changes.isTreeKnown,
    isOffered: event === null || account === null || !changes.isOfferKnown ? null : context.offers(event.name, account),
    loginAccount: login.account,
    isUserEnabled: isEnabled(context.directory, login),
    sessions: histories.map((history) => ({ history, standing: standingOf(options, history, event) })),
    group: await groupOf(options, question, { event, account, login: login.account }),
  };
  return shown(options, { question, judgement: judge(look), event, since: read.since });
}

const NO_CHANGES = { isTreeKnown: true, isOfferKnown: true };

/** Byte for byte the same for an event that never existed and for one that the viewer may not see (X3). */
const UNKNOWN_EVENT: Explanation = {
  event: null,
  verdict: 'unknown',
  reason: 'unknown_event',
  checks: [{ check: 'in_log', ok: false, detail: 'no such event is among the recent ones that this login may see' }],
  sessions: [],
  known_since: null,
  webhook_attempts: [],
};

/** Whether a grant shows an event, in the present state. */
function isVisible(
  event: FoundEvent,
  grant: Grant,
  { directory, offers }: { readonly directory: Directory; readonly offers: ReturnType<typeof createOffer> },
): boolean {
  const account = directory.accounts.get(event.account);
  if (account === undefined || event.poison !== null || !offers(event.name, account)) return false;
  const { account: root, accounts, events } = grant;
  const noted = { account: root, accounts: accounts && [...accounts], events: events && [...events] };
  return (
    every(isWithinLogin(noted, account), grantsAccount(noted, account.id), grantsEvent(noted, event.name)) === true
  );
}

const isCommon = (text: string) => text.startsWith('{"kind":"tree"') || text.startsWith('{"kind":"offer"');

/** Entries of the subject, and those of the tree and the offer. */
async function readJournal(journal: Journal, subject: Subject): Promise<JournalRead> {
  if (subject.kind !== 'token') {
    const own = subject.kind === 'session' ? subject.session : subject.account;
    return journal.read((text) => text.includes(own) || isCommon(text));
  }
  // Only some entries of a session name its tokens.
  const named = await journal.read((text) => text.includes(subject.token));
  const ids = historiesOf(named.entries).map(({ session }) => session);
  return journal.read((text) => ids.some((id) => text.includes(id)) || isCommon(text));
}

function isOf(history: SessionHistory, { subject, group }: Question): boolean {
  if (group !== null && history.group !== group.name) return false;
  switch (subject.kind) {
    case 'user':
      return history.account === subject.account && history.user === foldName(subject.user);
    case 'group':
      return history.account === subject.account;
    case 'session':
      return history.session === subject.session;
    case 'token':
      return history.tokens.includes(subject.token);
  }
}

function loginOf(subject: Subject, histories: readonly SessionHistory[]) {
  if (subject.kind === 'user') return { account: subject.account, user: subject.user };
  if (subject.kind === 'group') return { account: subject.account, user: null };
  const last = histories.at(-1);
  return { account: last?.account ?? null, user: last?.user ?? null };
}

function isEnabled(
  directory: Directory,
  { account: id, user }: { readonly account: string | null; readonly user: string | null },
): boolean | null {
  if (id === null) return null;
  const account = directory.accounts.get(id);
  if (account === undefined || !isActive(account)) return false;
  // Users of another server need not be in the directory.
  return user === null ? null : (directory.userOf(account, user)?.enabled ?? null);
}

/** Changes after the event: the present state then says nothing about the state when it passed. */
function changesSince({ entries }: JournalRead, { place }: FoundEvent, account: Account | null) {
  const chain = new Set<string>();
  for (let at = account; at !== null; at = at.parent) chain.add(at.id);
  const isLater = (position: Position | null) =>
    position === null || position.epoch !== place.epoch || holds(position, place);
  let { isTreeKnown, isOfferKnown } = NO_CHANGES;
  for (const entry of entries) {
    if (entry.kind === 'offer' && isLater(entry.position)) isOfferKnown = false;
    if (entry.kind !== 'tree' || !isLater(entry.position)) continue;
    if (entry.moved === null || account === null || entry.moved.some((id) => chain.has(id))) isTreeKnown = false;
  }
  return { isTreeKnown, isOfferKnown };
}

/** Null for a closed session, or for one of which only its entries are known. */
function standingOf(options: ExplainerOptions, history: SessionHistory, event: FoundEvent | null): Standing | null {
  if (history.closed !== null || history.group !== null) return null;
  for (const { id, writtenTo } of options.sessions) {
    if (id === history.session) return writtenTo === null ? null : { to: writtenTo, isExact: true };
  }
  const other = options.replicas()?.find(({ replica }) => replica === history.replica);
  const position = other?.heartbeat.position;
  const isSettled = event !== null && options.now() - splitId(event.place.id)[0] >= SETTLED_MS;
  return position === undefined || history.isBehind || !isSettled ? null : { to: position, isExact: false };
}

async function groupOf(
  { groups }: ExplainerOptions,
  { group, subject }: Question,
  { event, account, login }: { event: FoundEvent | null; account: Account | null; login: string | null },
): Promise<Look['group']> {
  const of = subject.kind === 'user' || subject.kind === 'group' ? subject.account : login;
  if (group === null || groups === null || event === null || of === null) return null;
  return lookAtGroup(groups, { declared: group, account: of }, { event, account });
}

interface Shown {
  readonly question: Question;
  readonly judgement: Judgement;
  readonly event: FoundEvent | null;
  readonly since: number | null;
}

function shown(options: ExplainerOptions, { question, judgement, event, since }: Shown): Explanation {
  const { verdict, reason, checks, outcomes } = judgement;
  const isOwn = question.viewer !== null;
  return {
    event: event && shownEvent(event),
    verdict,
    reason,
    checks: checks
      .filter(({ check }) => !(isOwn && check === 'owned'))
      .map(({ check, ok, detail }) => ({ check, ok, detail })),
    sessions: outcomes.map((outcome) => shownSession(options, outcome, isOwn)),
    known_since: since === null ? null : timeOf(since),
    webhook_attempts: isOwn ? [] : attemptsOf(options, question, event),
  };
}

function shownEvent({ id, name, account, callId, place, ingestedAt }: FoundEvent): Explanation['event'] {
  return {
    id,
    name,
    account_id: account || null,
    call_id: callId || null,
    position: positionOf(place),
    ingested_at: ingestedAt,
  };
}

function positionOf({ partition, id }: Place): string {
  return `${partition}:${id}`;
}

function shownSession({ eventLog }: ExplainerOptions, outcome: SessionOutcome, isOwn: boolean): ExplainedSession {
  const { look, written, confirmed } = outcome;
  const { session, replica, contract, openedAt, closed, segments, behindMax } = look.history;
  const [from, to] = [segments[0]?.from ?? null, segments.at(-1)?.to ?? null];
  return {
    session,
    replica: isOwn ? null : replica,
    contract,
    opened_at: openedAt === null ? null : timeOf(openedAt),
    closed_at: closed === null ? null : timeOf(closed.at),
    close_code: closed?.code ?? null,
    from: from && eventLog.cursors.seal(from),
    to: to && eventLog.cursors.seal(to),
    behind_max: behindMax,
    written,
    confirmed,
  };
}

function attemptsOf(
  { senders }: ExplainerOptions,
  { group }: Question,
  event: FoundEvent | null,
): Explanation['webhook_attempts'] {
  const sender = senders().find(({ name }) => name === group?.name);
  return (sender?.shown().attempts ?? [])
    .filter(({ eventId }) => eventId === event?.id)
    .map(({ at, attempt, status, code }) => ({ at, attempt, status, code }));
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
