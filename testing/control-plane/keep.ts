/**
 * `npm run control-plane`: an API server for development, until Ctrl-C. Its data is in a temporary folder that is
 * removed with it. Reports how to use it from another terminal.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { answerArguments } from '../no-arguments.ts';
import { startControlPlane } from './control-plane.ts';

const CRD = new URL('../../crds/firehose.dev_firehosesubscriptions.yaml', import.meta.url);

const USAGE =
  'npm run control-plane: keeps a Kubernetes API server with the FirehoseSubscription, until Ctrl-C. It takes no arguments.';

process.exitCode = answerArguments(process.argv.slice(2), USAGE) ?? (await keep());

async function keep(): Promise<number> {
  await using plane = await startControlPlane();
  await plane.kubectl(['apply', '--server-side', '-f', '-'], await readFile(CRD, 'utf8'));
  console.log(`
The control plane is up, with the FirehoseSubscription installed. In another terminal:

  export KUBECONFIG=${plane.kubeconfig}
  kubectl get fhs -A

Logs, audit.log among them, are in ${plane.folder}. Ctrl-C ends it and removes the folder.
`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  return 0;
}
