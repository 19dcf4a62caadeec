import type { SourceGapReason } from '../../protocol/source-gap.ts';
import type { AmqpReason } from '../../runtime/amqp/fault.ts';
import type { SwitchReason } from '../../source/switch.ts';

/** What to do about a reason in a report: why a switch or broker is not Live, or what it lacks. */
const REMEDIES = {
  Unreachable: 'is it up, are host and port those of the spec, and is the way open (NetworkPolicy, firewall)?',
  Silent: 'it accepted the connection and says nothing: is it overloaded, or does a firewall drop idle connections?',
  Credentials: 'correct user and password in the Secret that the spec names: it is read again by itself',
  AccessRefused:
    'give the user the rights of docs/sources.md, and the access list of the switch the address of the source',
  TLS: 'the certificate is not trusted, not for this host, or TLS is spoken on one side alone: see tls in the spec',
  Protocol: 'something else answers at that port: is it that of the interface in the spec?',
  Replaced: 'another program uses the name of the ARI application: give it another one',
  Disconnected: 'read the log of the switch: it stopped, or it cut off a listener that it found too slow',
  QueueArguments: 'the queue exists with other arguments: delete it in the broker, or set them back in the spec',
  NoExchange: 'start a Kazoo node: it declares the exchange; or set kazoo.declareExchange',
  NoAnswer: 'read the log of the broker: its queue has no leader; delete it when it finds none again',
  AckTimeout: 'the broker waited too long for an acknowledgement, because the log was away: see what is said of Redis',
  TimestampsOff: 'set timestampevents = yes in manager.conf: without it, two replicas may make two ids of one event',
  AccountsNotListed:
    'allow the user uuid_dump (esl-allowed-api): until then a call that is found by listing has no account',
} as const satisfies Record<SwitchReason | AmqpReason, string> & Readonly<Record<string, string>>;

const GAP_REMEDIES: Readonly<Record<SourceGapReason, string>> = {
  connection_lost: 'run two replicas or more, on different nodes; look at the network between them and the switch',
  switch_restarted: 'read the log of the switch',
  overflow: 'see what is said of Redis: the log was away for longer than the source can hold events',
  queue_lost: 'the queue was deleted, or expired because no replica ran: find out who deletes',
  bindings_lost: 'the broker restarted: kazoo.declareExchange shortens the gap',
  queue_overflow: 'see what is said of Redis, or raise kazoo.queue.maxLength and messageTTL (another queue is made)',
  not_started: 'run two replicas or more: a restart of one then makes no gap',
};

/** Every reason with a remedy of its own. */
export const KNOWN_REASONS: readonly string[] = Object.keys(REMEDIES);

export function switchRemedy(reason: string): string {
  return reason in REMEDIES ? REMEDIES[reason as keyof typeof REMEDIES] : 'read the log of the source';
}

export function gapRemedy(reason: SourceGapReason): string {
  return GAP_REMEDIES[reason];
}
