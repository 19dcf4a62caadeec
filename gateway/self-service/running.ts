import type { SenderCounters } from '../sender/counters.ts';
import type { Sender } from '../sender/sender.ts';
import { createWebhook, type WebhookParts } from '../webhook/webhooks.ts';
import { HeldSecrets, type HeldKey } from './held-secrets.ts';
import { groupOf, tokenOf, type OwnWebhook } from './record.ts';

export interface RunningParts extends Pick<
  WebhookParts,
  'groups' | 'client' | 'keyPrefix' | 'resource' | 'source' | 'policy' | 'log' | 'logger'
> {
  readonly shown: (webhook: OwnWebhook) => ReturnType<WebhookParts['shown']>;
  readonly keeps: (of: Pick<WebhookParts, 'group' | 'grant'>) => (metaLine: string) => boolean;
  readonly keysOf: (webhook: OwnWebhook) => readonly HeldKey[];
  /** Receives the counters of a webhook that has ended. */
  readonly onEnded: (counters: Readonly<SenderCounters>) => void;
}

interface Present {
  readonly of: OwnWebhook;
  readonly webhook: Sender;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/**
 * One self-service webhook on this replica. A change of its address, format or scope starts it anew, at the position of
 * its group; other changes apply at once.
 */
export class RunningWebhook {
  readonly #parts: RunningParts;
  readonly #secrets = new HeldSecrets();
  #wanted: OwnWebhook | null = null;
  #present: Present | null = null;
  #settling: Promise<void> | null = null;

  constructor(parts: RunningParts) {
    this.#parts = parts;
  }

  /** Null while it starts or stops. */
  get webhook(): Sender | null {
    return this.#present?.webhook ?? null;
  }

  /** Settles once the change applies; for null, once nothing is sent any more. Never rejects. */
  use(wanted: OwnWebhook | null): Promise<void> {
    this.#wanted = wanted;
    if (wanted !== null) this.#secrets.set(this.#parts.keysOf(wanted));
    this.#settling ??= this.#settle().finally(() => (this.#settling = null));
    return this.#settling;
  }

  async #settle(): Promise<void> {
    for (;;) {
      const [wanted, present] = [this.#wanted, this.#present];
      if (present !== null && (wanted === null || deliveryOf(wanted) !== deliveryOf(present.of))) {
        present.stop.abort();
        await present.ended;
        present.webhook[Symbol.dispose]();
        this.#parts.onEnded(present.webhook.counters);
        this.#present = null;
      } else if (present === null && wanted !== null) this.#present = this.#start(wanted);
      else return present?.webhook.look();
    }
  }

  #start(of: OwnWebhook): Present {
    const { shown, keeps, keysOf: _, onEnded: __, ...parts } = this.#parts;
    const [group, { grant }] = [groupOf(of), tokenOf(of)];
    const webhook = createWebhook({
      ...parts,
      group,
      grant,
      secrets: this.#secrets,
      keeps: () => keeps({ group, grant }),
      shown: () => (this.#wanted === null ? null : shown(this.#wanted)),
      isSwitchedOff: () => this.#wanted?.record.off !== null,
      logger: parts.logger.child({ webhook: of.id, account: of.account }),
    });
    const stop = new AbortController();
    return { of, webhook, stop, ended: webhook.run(stop.signal) };
  }
}

/** What a running webhook cannot change. */
function deliveryOf({ record: { url, format, accounts, events } }: OwnWebhook): string {
  return JSON.stringify([url, format, accounts, events]);
}
