import { lagOf, milliseconds, reportStreams } from '../../event-log/provisioning/report.ts';
import { groupName } from '../../protocol/keys.ts';
import type { OwnWebhookOf } from '../../protocol/own-webhook.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import type { Backlog } from '../group/backlog.ts';

export interface OwnBacklogPlace {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  readonly partitions: number;
  /** `<namespace>/<name>`. */
  readonly resource: string;
}

/** As often as the backlog of declared groups. */
const EVERY_MS = 10_000;

/** What each self-service webhook has not delivered, over all replicas: one script for each partition. */
export class OwnBacklog {
  readonly #place: OwnBacklogPlace;
  #known: ReadonlyMap<string, Backlog> = new Map();
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(place: OwnBacklogPlace) {
    this.#place = place;
  }

  /** By the id of the webhook; without those that were created since the last look. */
  get current(): ReadonlyMap<string, Backlog> {
    return this.#known;
  }

  /** Looks again when that is due. `now` is monotonic. Rejects with the client's error. */
  async refresh(webhooks: Iterable<OwnWebhookOf>, now: number): Promise<void> {
    if (now - this.#readAt < EVERY_MS) return;
    this.#readAt = now;
    this.#known = await this.#look([...webhooks]);
  }

  async #look(webhooks: readonly OwnWebhookOf[]): Promise<ReadonlyMap<string, Backlog>> {
    if (webhooks.length === 0) return new Map();
    const { client, resource } = this.#place;
    const names = webhooks.map(({ account, id }) => groupName(resource, id, account));
    const partitions = await reportStreams(client, this.#place, names);
    return new Map(
      webhooks.map(({ id }, at) => {
        const found = partitions.flatMap((partition) => {
          const group = partition.groups[names[at] ?? ''];
          return group === undefined ? [] : [{ ...group, lag: lagOf(partition, group).lag }];
        });
        const sum = (of: (one: (typeof found)[number]) => number) => found.reduce((total, one) => total + of(one), 0);
        const pending = found.flatMap(({ oldestPending }) =>
          oldestPending === '' ? [] : [milliseconds(oldestPending)],
        );
        return [
          id,
          {
            accounts: 1,
            lag: sum(({ lag }) => lag),
            pending: sum((one) => one.pending),
            oldestPendingAt: pending.length === 0 ? null : Math.min(...pending),
            deadLetters: sum(({ dead }) => dead),
          },
        ];
      }),
    );
  }
}
