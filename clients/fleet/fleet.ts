/**
 * `fleet.ts URL CLIENTS TOKEN`: starts this many clients, each with a stream. Prints `token` when a client requests its
 * token, `event` for each event.
 */
import { Firehose } from '../typescript/src/index.ts';

const [url = '', clients = '', token = ''] = process.argv.slice(2);

async function consume(): Promise<void> {
  const firehose = new Firehose({
    url,
    token: () => {
      console.log('token');
      return Promise.resolve(token);
    },
  });
  for await (const _ of firehose.stream({ from: '-5m' })) console.log('event');
}

await Promise.all(Array.from({ length: Number(clients) }, consume));
