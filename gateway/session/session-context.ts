import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { LogWindow } from '../../event-log/log-window.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { SlowPolicy } from '../fanout/connection.ts';
import type { Form } from '../fanout/encoding.ts';
import type { Fanout } from '../fanout/fanout.ts';
import type { Groups } from '../group/groups.ts';
import type { Journal } from '../journal/journal.ts';
import type { Redactor } from '../privacy/redactor.ts';
import type { Slot } from '../quota/quota.ts';
import type { SessionStart } from './begin.ts';
import type { ClientConnection } from './client-connection.ts';
import type { DialogueOptions } from './dialogue.ts';
import type { LogDeliveryContext } from './log-delivery.ts';
import type { UpgradePlan } from './plan-upgrade.ts';

/** Inputs of one session. */
export interface SessionOptions {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  readonly token: VerifiedToken;
  readonly plan: Pick<UpgradePlan, 'contract' | 'replay' | 'group'> & { readonly form: Form };
  /** Null begins at the head. */
  readonly start: SessionStart | null;
  /** Address of the client, for administration. */
  readonly address: string;
  /** Number of the session on this replica. */
  readonly number: number;
  /** Its slot in the account's quota. */
  readonly share: Slot;
}

/**
 * More than eight members: one object for all sessions of a replica, because copies of its fields in each session would
 * cost memory for each connection.
 */
export interface SessionContext {
  readonly fanout: Fanout;
  readonly groups: Groups;
  readonly calls: LogDeliveryContext['calls'];
  readonly window: LogWindow;
  readonly policy: SlowPolicy;
  readonly verifyToken: DialogueOptions['verifyToken'];
  readonly narrow: DialogueOptions['narrow'];
  readonly seesWhole: DialogueOptions['seesWhole'];
  /** Whether a token that was verified is still valid. */
  readonly mayStay: (token: VerifiedToken) => boolean;
  /** The present privacy view of a token's client; null: everything. */
  readonly privacyOf: (token: VerifiedToken) => Redactor | null;
  /** Called for each loss that is reported to a connection. */
  readonly onGap: (reason: string) => void;
  /** Called when a session ends because its client is slow. */
  readonly onSlowClose: (policy: SlowPolicy) => void;
  readonly now: () => number;
  readonly onClose: (session: ClientConnection, code: number) => void;
  readonly journal: Journal;
}
