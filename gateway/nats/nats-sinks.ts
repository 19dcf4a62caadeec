import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { Nats } from '../../protocol/subscription/nats.ts';
import { redisPolicyOf, type AddressGuard } from '../../runtime/net/guard-settings.ts';
import { viewOf, type ViewParts } from '../sender/group-view.ts';
import { Sender, type GatewayParts, type SentGroup } from '../sender/sender.ts';
import { NatsChannel } from './channel.ts';

/** More than eight members: what the NATS sinks of a resource need of the gateway. */
type NatsSinksParts = GatewayParts &
  ViewParts & {
    readonly declared: readonly ConsumerGroup[];
    readonly guard: AddressGuard;
    /** Of CloudEvents. */
    readonly source: string;
    /** Holds the credentials, see protocol/nats-files.ts. */
    readonly folder: string;
  };

/**
 * A sender for each declared NATS sink. It is never switched off: the servers are the platform's own, and an attempt
 * every few minutes costs them nothing. For the same reason their addresses are judged as those of Redis: private ones
 * are allowed.
 */
export function createNatsSinks({ declared, guard, source, folder, ...parts }: NatsSinksParts): readonly Sender[] {
  const policy = redisPolicyOf(guard);
  return declared.filter(hasNats).map((group) => {
    const { name, account, nats } = group;
    const logger = parts.logger.child({ sink: name });
    return new Sender({
      ...parts,
      ...viewOf(group, nats.user, parts),
      group,
      title: 'a NATS sink',
      channel: new NatsChannel({ group: name, account, nats, source, folder, policy, logger }),
      declaration: nats,
      disableAfterMs: null,
      isSwitchedOff: () => false,
      logger,
    });
  });
}

function hasNats(group: ConsumerGroup): group is SentGroup & { readonly nats: Nats } {
  return group.nats !== undefined && group.account !== undefined;
}
