import type { Logger } from '../../runtime/logging/logger.ts';
import type { Backlog } from '../group/backlog.ts';
import type { OwnWebhooks } from './own-webhooks.ts';
import { encodeRecord, type OwnRecord, type OwnWebhook } from './record.ts';
import type { OwnWebhookStore } from './store.ts';

export interface AdministerParts {
  readonly own: Pick<OwnWebhooks, 'byId' | 'refresh' | 'backlog'>;
  readonly store: Pick<OwnWebhookStore, 'change' | 'remove'>;
  readonly logger: Logger;
}

/** What administrators see of a self-service webhook besides its sender. Nothing of its secrets, and not its URL. */
export interface AboutOwnWebhook {
  /** The user whose grant applies. */
  readonly changed_by: string;
  readonly created_at: string;
  readonly changed_at: string;
  /** Who switched it off; null while nobody has. */
  readonly switched_off: OwnRecord['off'];
}

/** gone: there is no such webhook any more. busy: others changed it each time. */
export type Administered = 'done' | 'gone' | 'busy';

/** A change begins again when another one came first: at most so often. */
const TRIES = 3;

/**
 * What administrators do with the webhooks of logins. None of it changes who vouches for a webhook, or for what. Methods
 * that change something reject with the client's error of Redis.
 */
export class OwnWebhookAdministration {
  readonly #parts: AdministerParts;

  constructor(parts: AdministerParts) {
    this.#parts = parts;
  }

  /** Reads what has changed. Rejects with the client's error. */
  refresh(): Promise<void> {
    return this.#parts.own.refresh();
  }

  /** Null for a webhook that no login created. */
  about(id: string): AboutOwnWebhook | null {
    const webhook = this.#parts.own.byId(id);
    if (webhook === null) return null;
    const { by, createdAt, changedAt, off } = webhook.record;
    const time = (ms: number) => new Date(ms).toISOString();
    return { changed_by: by.username, created_at: time(createdAt), changed_at: time(changedAt), switched_off: off };
  }

  /** Null while it is not known. */
  backlogOf(id: string): Backlog | null {
    return this.#parts.own.backlog.get(id) ?? null;
  }

  /** Off until an administrator allows it again: its owner cannot. */
  disable(id: string): Promise<Administered> {
    return this.#change(id, 'switched off', (record) =>
      record.off === 'operator' ? record : { ...record, off: 'operator' },
    );
  }

  /** Ends `disable`. What its owner or a revocation switched off stays off: a login must vouch for it again. */
  allow(id: string): Promise<Administered> {
    return this.#change(id, 'allowed again', (record) =>
      record.off === 'operator' ? { ...record, off: null } : record,
    );
  }

  async remove(id: string): Promise<Administered> {
    const { own, store } = this.#parts;
    await own.refresh();
    const webhook = own.byId(id);
    if (webhook === null || !(await store.remove(webhook))) return 'gone';
    await own.refresh();
    this.#audit('deleted', webhook);
    return 'done';
  }

  async #change(id: string, what: string, change: (record: OwnRecord) => OwnRecord): Promise<Administered> {
    const { own, store } = this.#parts;
    for (let tries = 0; tries < TRIES; tries += 1) {
      await own.refresh();
      const webhook = own.byId(id);
      if (webhook === null) return 'gone';
      const record = change(webhook.record);
      if (record === webhook.record) return 'done';
      const outcome = await store.change(webhook, encodeRecord({ ...record, changedAt: Date.now() }));
      if (outcome === 'gone') return 'gone';
      if (outcome === 'differs') continue;
      await own.refresh();
      this.#audit(what, webhook);
      return 'done';
    }
    return 'busy';
  }

  #audit(what: string, { account, id, record }: OwnWebhook): void {
    const { host } = new URL(record.url);
    this.#parts.logger.info({ account, webhook: id, host }, `a self-service webhook: ${what} by an administrator`);
  }
}
