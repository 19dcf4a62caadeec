import type { Format } from '../fanout/encoding.ts';
import type { Redactor } from '../privacy/redactor.ts';
import type { Sink } from '../fanout/connection.ts';
import type { Position } from '../../protocol/position.ts';
import type { Grant } from '../auth/grant.ts';
import type { AckOutcome, GroupGap, GroupGapReason, Groups, Membership } from '../group/groups.ts';
import type { Acknowledgement, Delivery, DeliverySession } from './delivery.ts';
import type { OnGap } from './plan-replay.ts';
import type { SnapshotRefusal } from './snapshot-delivery.ts';

/** More than eight members: what a group is joined with, and what it reports to its session. */
export interface GroupDeliveryOptions {
  readonly groups: Groups;
  readonly group: string;
  readonly grant: Grant;
  readonly format: Format;
  /** Called at each delivery. */
  readonly privacy: () => Redactor | null;
  readonly sink: Sink;
  readonly onGap: OnGap;
  readonly ping: (payload: Buffer) => void;
  /** Called before the first event, and on each change, with the group's position. */
  readonly onStandby: (standby: boolean, position: Position | null) => void;
}

/** Most ids of lost events in one gap. */
const NAMED = 20;

/** A connection's share of a durable consumer group: the group keeps the position, the client acknowledges. */
export class GroupDelivery implements Delivery {
  readonly position = null;
  readonly writtenTo = null;
  readonly isBehind = false;
  readonly entriesBehind = null;
  readonly isTooSlow = false;
  readonly #membership: Membership;

  constructor(session: DeliverySession, options: GroupDeliveryOptions) {
    const { groups, group, onGap, ...member } = options;
    this.#membership = groups.join(group, {
      ...member,
      acknowledges: session.reportsGaps ? 'frames' : 'pongs',
      onGap: (reason, gap) => tellGap(session, { reason, gap, mayGoOn: session.reportsGaps || onGap === 'clamp' }),
      onSourceGap: (notice) => session.sourceGap(notice),
      lost: (reason) => session.close('cursorTooOld', reason, null),
    });
  }

  /** Members of a group may have different profiles: the profile of the receiving connection applies. */
  show(): void {
    // Called at each delivery.
  }

  /** In a group the filter is that of the token, which is the same for all its connections. */
  askSnapshot(): Promise<SnapshotRefusal> {
    return Promise.resolve({
      code: 'snapshot_in_group',
      detail: 'A group shares events: only a connection of its own gets a snapshot.',
    });
  }

  refilter(): boolean {
    return false;
  }

  acknowledge(frame: Acknowledgement): Promise<AckOutcome> | AckOutcome {
    switch (frame.kind) {
      case 'ack':
        return this.#membership.ack(frame.ack);
      case 'nack':
        return this.#membership.nack(frame.nack, frame.delay_ms);
      case 'progress':
        return this.#membership.progress(frame.progress);
      case 'term':
        return this.#membership.term(frame.term, frame.reason);
    }
  }

  pong(payload: Buffer): void {
    this.#membership.pong(payload);
  }

  leave(): void {
    this.#membership.leave();
  }
}

/**
 * A plain client gets no frame about entries that were trimmed before their delivery: the close code reports the loss.
 */
function tellGap(session: DeliverySession, told: { reason: GroupGapReason; gap: GroupGap; mayGoOn: boolean }): void {
  const { reason, gap, mayGoOn } = told;
  const requested = gap.ids.length === 0 ? null : gap.ids.slice(0, NAMED).join(' ');
  if (session.reportsGaps || reason === 'trimmed') session.gap({ reason, requested, missed: gap.missed });
  if (reason === 'trimmed' && !mayGoOn) session.close('cursorTooOld', 'trimmed', null);
}
