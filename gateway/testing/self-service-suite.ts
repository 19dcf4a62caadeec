import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { publish, type PublishedEvent } from './group-replica.ts';
import { OwnWebhookClient } from './own-webhook-client.ts';
import { PublicInternet } from './public-internet.ts';
import { startGateway, type RunningGateway, type StartOptions } from './running-gateway.ts';
import { newSecret } from './webhook-gateway.ts';
import { WebhookReceiver } from './webhook-receiver.ts';

export const HOST = 'crm.example.com';
export const URL = `https://${HOST}/hooks`;
/** A user of account_id_1. */
const TENANT = { username: 'operator', password: 'operatorpassword', domain: 'north' };

/** A Redis of its own, and gateways on it that let logins create webhooks. */
export class SelfServiceSuite implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly client: RedisClient;
  #names = 0;

  private constructor(redis: RedisServer, client: RedisClient) {
    this.redis = redis;
    this.client = client;
  }

  static async start(): Promise<SelfServiceSuite> {
    const redis = await startRedis();
    const client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
    await becomesReady(client, 10_000);
    return new SelfServiceSuite(redis, client);
  }

  /** A gateway with self-service, a receiver on the internet, and a login of account_id_1 and one of its parent. */
  async open(more: Partial<StartOptions> = {}) {
    const stack = new AsyncDisposableStack();
    const internet = stack.use(new PublicInternet());
    const receiver = stack.use(await WebhookReceiver.start(newSecret(), HOST));
    await internet.add(HOST, receiver);
    const keyPrefix = `own-${(this.#names += 1)}:`;
    const running = stack.use(
      await startGateway({
        redisUrl: this.redis.url,
        redis: { keyPrefix },
        webhooks: { selfService: { enabled: true, maxPerAccount: 3, maxTotal: 5 } },
        ...more,
      }),
    );
    const loginOf = async (gateway: RunningGateway, filters: object = {}) =>
      new OwnWebhookClient(gateway, String((await gateway.login({ ...TENANT, ...filters })).body['access_token']));
    const tenant = await loginOf(running);
    const parent = new OwnWebhookClient(running, await running.token());
    const append = (list: readonly PublishedEvent[], account = 'account_id_1') =>
      publish(
        { client: this.client, keyPrefix, partitions: 4 },
        list.map((event) => ({ ...event, account })),
      );
    const accepted = (list: readonly PublishedEvent[]) =>
      until('all accepted', () => receiver.missing(list).length, { holds: (left) => left === 0 });
    const create = async (body: object = {}) => {
      const created = await tenant.create({ url: URL, ...body });
      receiver.secret = created.secret;
      return created;
    };
    return {
      internet,
      receiver,
      running,
      tenant,
      parent,
      append,
      accepted,
      create,
      loginOf,
      keyPrefix,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.disconnect();
    await this.redis.stop();
  }
}
