import { isOwnWebhook } from '../../protocol/own-webhook.ts';
import { splitId } from '../../protocol/position.ts';
import type { Instruments } from '../../runtime/telemetry/instruments.ts';
import type { FollowedDirectory } from '../directory/live-directory.ts';
import type { FanoutCounters } from '../fanout/counters.ts';
import type { Backlog } from '../group/backlog.ts';
import { OWN_GROUPS, type Groups, type GroupStatus } from '../group/groups.ts';
import { failingMs } from '../../protocol/webhook-state.ts';
import type { Sender } from '../sender/sender.ts';
import type { Senders } from '../sender/start-senders.ts';
import type { OwnWebhooks } from '../self-service/own-webhooks.ts';
import type { JournalCounters } from '../journal/journal.ts';
import type { GATEWAY_METRICS } from './metric-table.ts';

const CONNECTION_KINDS = ['plain', 'control', 'durable', 'sse'] as const;
export type ConnectionKind = (typeof CONNECTION_KINDS)[number];

type ObservedOwn = Pick<OwnWebhooks, 'all' | 'backlog' | 'counters'>;

/** Values that the metrics read at each scrape; nothing is counted for each delivery. */
export interface Observed {
  readonly counters: FanoutCounters;
  /** Open connections, by contract. */
  readonly connections: () => Readonly<Record<ConnectionKind, number>>;
  readonly groups: Pick<Groups, 'counters' | 'status'>;
  /** Unread and unfinished entries of a group, over its accounts; absent while unknown. */
  readonly backlog: () => ReadonlyMap<string, Backlog>;
  /** Null with the embedded log. */
  readonly webhooks: Senders | null;
  readonly sinks: Senders | null;
  /** Null where the resource has no self-service. */
  readonly selfService: ObservedOwn | null;
  readonly behind: () => number;
  /** Forms of an event in use. */
  readonly encodings: () => number;
  /** Last entry id of each partition. */
  readonly newest: () => readonly string[];
  readonly journal: { readonly counters: Readonly<JournalCounters> };
  readonly revocations: () => number;
  readonly directory: Pick<FollowedDirectory, 'current' | 'status'>;
}

export type GatewayInstruments = Instruments<typeof GATEWAY_METRICS>;

export function observeGateway(instruments: GatewayInstruments, observed: Observed): void {
  const { counters } = observed;
  instruments.observe('firehose_connections', (observe) => {
    const connections = observed.connections();
    for (const contract of CONNECTION_KINDS) observe(connections[contract], { contract });
  });
  instruments.observe('firehose_behind_connections', (observe) => observe(observed.behind()));
  instruments.observe('firehose_revocations_in_force', (observe) => observe(observed.revocations()));
  instruments.observe('firehose_journal_entries_total', (observe) => {
    const { written, dropped } = observed.journal.counters;
    observe(written, { outcome: 'written' });
    observe(dropped, { outcome: 'dropped' });
  });
  observeDirectory(instruments, observed);
  instruments.observe('firehose_events_read_total', (observe) => {
    for (const [partition, events] of counters.eventsRead.entries()) {
      observe(events ?? 0, { partition: String(partition) });
    }
  });
  instruments.observe('firehose_events_unroutable_total', (observe) => {
    observe(counters.unknownAccount, { outcome: 'unknown_account' });
    observe(counters.foreignAccount, { outcome: 'foreign_account' });
    observe(counters.poison, { outcome: 'poison' });
  });
  instruments.observe('firehose_stream_ahead_seconds', (observe) => {
    const now = Date.now();
    for (const [partition, id] of observed.newest().entries()) {
      observe(Math.max(0, splitId(id)[0] - now) / 1_000, { partition: String(partition) });
    }
  });
  instruments.observe('firehose_page_errors_total', (observe) => observe(counters.pageErrors));
  instruments.observe('firehose_deliveries_total', (observe) => observe(counters.deliveries));
  instruments.observe('firehose_delivered_bytes_total', (observe) => observe(counters.deliveredBytes));
  instruments.observe('firehose_compression_saved_bytes_total', (observe) => observe(counters.savedBytes));
  instruments.observe('firehose_compression_seconds_total', (observe) => observe(counters.compressMs / 1_000));
  instruments.observe('firehose_encodings', (observe) => observe(observed.encodings()));
  instruments.observe('firehose_writes_total', (observe) => observe(counters.writes));
  observeGroups(instruments, observed);
  observeWebhooks(instruments, observed.webhooks?.all ?? []);
  observeSinks(instruments, observed.sinks?.all ?? []);
  if (observed.selfService !== null) observeSelfService(instruments, observed.selfService);
}

/**
 * Sums over all of them, because logins decide how many there are. Owners see the faults of their receivers; the alert is
 * about many receivers at once, which is a fault of this platform.
 */
function observeSelfService(instruments: GatewayInstruments, own: ObservedOwn): void {
  const group = OWN_GROUPS;
  instruments.observe('firehose_webhook_requests_total', (observe) => {
    for (const [verdict, requests] of Object.entries(own.counters.requests)) observe(requests, { group, verdict });
  });
  instruments.observe('firehose_webhook_request_seconds_total', (observe) =>
    observe(own.counters.requestMs / 1_000, { group }),
  );
  instruments.observe('firehose_webhook_in_flight', (observe) =>
    observe(
      own.all.reduce((sum, { endpoint }) => sum + endpoint.inFlight, 0),
      { group },
    ),
  );
  instruments.observe('firehose_self_service_webhooks', (observe) => {
    const counts = { sending: 0, paused: 0, probing: 0, held_back: 0, off: 0 };
    for (const { endpoint, heldBack } of own.all) counts[ownStateOf(heldBack) ?? endpoint.phase] += 1;
    for (const [state, count] of Object.entries(counts)) observe(count, { state });
  });
  instruments.observe('firehose_self_service_failing', (observe) =>
    observe(
      own.all.filter(({ heldBack, state }) => heldBack === null && (state?.failingSince ?? null) !== null).length,
    ),
  );
  instruments.observe('firehose_self_service_lag', (observe) =>
    observe(Math.max(0, ...Array.from(own.backlog.values(), ({ lag, pending }) => (lag ?? 0) + pending))),
  );
}

/** Null for one that sends. */
function ownStateOf(heldBack: Sender['heldBack']): 'off' | 'held_back' | null {
  if (heldBack === null) return null;
  return heldBack === 'off' || heldBack === 'switched_off' ? 'off' : 'held_back';
}

function observeWebhooks(instruments: GatewayInstruments, webhooks: readonly Sender[]): void {
  instruments.observe('firehose_webhook_requests_total', (observe) => {
    for (const { name: group, counters } of webhooks)
      for (const [verdict, requests] of Object.entries(counters.requests)) observe(requests, { group, verdict });
  });
  observeEach(instruments, webhooks, {
    firehose_webhook_request_seconds_total: ({ counters }) => counters.requestMs / 1_000,
    firehose_webhook_in_flight: ({ endpoint }) => endpoint.inFlight,
    firehose_webhook_paused: isPaused,
    firehose_webhook_failing_seconds: failingSeconds,
    firehose_webhook_off: ({ heldBack }) => Number(heldBack === 'off'),
    firehose_webhook_held_back: isHeldBack,
  });
}

function observeSinks(instruments: GatewayInstruments, sinks: readonly Sender[]): void {
  instruments.observe('firehose_sink_messages_total', (observe) => {
    for (const { name: group, counters } of sinks)
      for (const verdict of ['acknowledged', 'event', 'endpoint'] as const)
        observe(counters.requests[verdict], { group, verdict });
  });
  observeEach(instruments, sinks, {
    firehose_sink_message_seconds_total: ({ counters }) => counters.requestMs / 1_000,
    firehose_sink_in_flight: ({ endpoint }) => endpoint.inFlight,
    firehose_sink_paused: isPaused,
    firehose_sink_failing_seconds: failingSeconds,
    firehose_sink_held_back: isHeldBack,
  });
}

const isPaused = ({ endpoint }: Sender) => Number(endpoint.phase !== 'sending');
const failingSeconds = ({ state }: Sender) => (state === null ? 0 : failingMs(state, Date.now()) / 1_000);
const isHeldBack = ({ heldBack }: Sender) => Number(heldBack === 'no_secret' || heldBack === 'refused');

function observeEach(
  instruments: GatewayInstruments,
  senders: readonly Sender[],
  each: Readonly<Partial<Record<keyof typeof GATEWAY_METRICS, (sender: Sender) => number>>>,
): void {
  for (const [name, of] of Object.entries(each)) {
    instruments.observe(name as keyof typeof GATEWAY_METRICS, (observe) => {
      for (const sender of senders) observe(of(sender), { group: sender.name });
    });
  }
}

function observeDirectory(instruments: GatewayInstruments, { directory }: Observed): void {
  instruments.observe('firehose_directory_loaded_timestamp_seconds', (observe) =>
    observe(directory.status.loadedAt / 1_000),
  );
  instruments.observe('firehose_directory_faults', (observe) => observe(directory.status.faults));
  instruments.observe('firehose_directory_accounts', (observe) => observe(directory.current.accounts.size));
  instruments.observe('firehose_directory_ambiguous_names', (observe) =>
    observe(directory.current.ambiguousNames.length),
  );
  instruments.observe('firehose_directory_age_seconds', (observe) => {
    const { confirmedAt } = directory.status;
    // A file is checked twice a second: it has no age.
    if (confirmedAt !== null) observe(Math.max(0, Date.now() - confirmedAt) / 1_000);
  });
}

/** This replica's work for each durable group of the resource, summed over its accounts. */
function observeGroups(instruments: GatewayInstruments, { groups, backlog }: Observed): void {
  const totals = {
    delivered: 'firehose_group_deliveries_total',
    redelivered: 'firehose_group_redeliveries_total',
    acknowledged: 'firehose_group_acknowledged_total',
    handedBack: 'firehose_group_handed_back_total',
    filtered: 'firehose_group_filtered_total',
    deadLettered: 'firehose_group_dead_letters_total',
    poison: 'firehose_group_poison_total',
    trimmed: 'firehose_group_trimmed_total',
    leasesTaken: 'firehose_group_leases_taken_total',
    leasesLost: 'firehose_group_leases_lost_total',
  } as const;
  for (const [counter, name] of Object.entries(totals)) {
    instruments.observe(name, (observe) => {
      for (const [group, counters] of groups.counters) observe(counters[counter as keyof typeof totals], { group });
    });
  }
  const here = {
    firehose_group_pending: (group: GroupStatus) => group.pending,
    firehose_group_connections: (group: GroupStatus) => group.connections,
    firehose_group_hung_connections: (group: GroupStatus) => group.hung,
    firehose_group_partitions: (group: GroupStatus) => group.partitions.length,
  } as const;
  for (const [name, of] of Object.entries(here)) {
    instruments.observe(name as keyof typeof here, (observe) => {
      const sums = new Map(Array.from(groups.counters.keys(), (group): [string, number] => [group, 0]));
      for (const status of groups.status()) {
        const group = isOwnWebhook(status.group) ? OWN_GROUPS : status.group;
        sums.set(group, (sums.get(group) ?? 0) + of(status));
      }
      for (const [group, sum] of sums) observe(sum, { group });
    });
  }
  instruments.observe('firehose_group_lag', (observe) => {
    // A group that no connection has used yet has no lag.
    for (const [group, { lag }] of backlog()) if (lag !== null) observe(lag, { group });
  });
  instruments.observe('firehose_group_accounts', (observe) => {
    for (const [group, { accounts }] of backlog()) observe(accounts, { group });
  });
  instruments.observe('firehose_group_oldest_pending_seconds', (observe) => {
    for (const [group, { oldestPendingAt }] of backlog()) {
      observe(oldestPendingAt === null ? 0 : Math.max(0, (Date.now() - oldestPendingAt) / 1_000), { group });
    }
  });
}
