import { snippet } from './snippets.ts';
import { openWorkplace, type Environment, type Workplace } from './workplace.ts';

const LISTENING = /"port":(\d+),"inner_port":(\d+),"msg":"listening"/;
const FREE_PORTS = { FIREHOSE_PORT: '0', FIREHOSE_INNER_PORT: '0', FIREHOSE_HOST: '127.0.0.1' };
const RATE = 'export FIREHOSE_SIMULATOR_RATE=50; ';

/** A workplace in which the gateway of the documentation runs, on free ports instead of 9443 and 9090. */
export interface Served extends AsyncDisposable {
  readonly workplace: Workplace;
  /** Where clients of the documentation find the gateway, and the authority that they trust. */
  readonly client: Environment;
  /** A command of the documentation with free ports. */
  on(command: string): string;
}

/** Starts the gateway by a command of the documentation, without its `npm ci`, which has been run. */
export async function serve(name: string, change = (command: string): string => command): Promise<Served> {
  await using stack = new AsyncDisposableStack();
  const workplace = stack.use(await openWorkplace());
  const command = change(snippet(name)).replace(/^npm ci && /, RATE);
  const { match } = stack.use(await workplace.starts(command, LISTENING, FREE_PORTS));
  const [, port = '', innerPort = ''] = match;
  const owned = stack.move();
  return {
    workplace,
    client: {
      FIREHOSE: `localhost:${port}`,
      FIREHOSE_PORT: port,
      FIREHOSE_INNER_PORT: innerPort,
      NODE_EXTRA_CA_CERTS: '.firehose/ca.crt',
      SSL_CERT_FILE: '.firehose/ca.crt',
    },
    on: (command) =>
      command.replaceAll('localhost:9443', `localhost:${port}`).replaceAll('localhost:9090', `localhost:${innerPort}`),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
