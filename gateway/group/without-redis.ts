import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { refused, unknownGroup } from './refusals.ts';
import type { Groups } from './groups.ts';

/** With the embedded log: every declared group is answered 501. */
export function groupsWithoutRedis(groups: readonly ConsumerGroup[]): Groups {
  const names = groups.map(({ name }) => name);
  return {
    admit: (group) =>
      Promise.resolve(
        refused(
          names.includes(group)
            ? {
                status: 501,
                code: 'groups_need_redis',
                detail: 'Durable consumer groups keep their position in Redis: start the gateway with REDIS_URL.',
                field: 'group',
              }
            : unknownGroup(names),
        ),
      ),
    join: () => {
      throw new Error('a connection joins a group without Redis');
    },
    attach: () => {
      throw new Error('a sender joins a group without Redis');
    },
    wake: () => undefined,
    sourceGap: () => undefined,
    useDirectory: () => undefined,
    useOwn: () => undefined,
    createOwn: () => Promise.reject(new Error('a webhook is created without Redis')),
    drain: () => Promise.resolve(),
    counters: new Map(),
    status: () => [],
    connections: () => ({}),
    hung: () => ({}),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
