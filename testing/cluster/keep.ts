/**
 * `npm run cluster`: a whole cluster for development, until Ctrl-C, with the image of this checkout on its nodes.
 * Reports how to use it from another terminal. Starts itself again inside of a sandbox, where the cluster runs.
 */
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { kubeconfig } from '../control-plane/kubeconfig.ts';
import { answerArguments } from '../no-arguments.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { loadImages } from './images.ts';
import { announceBuilds } from '../go-build.ts';
import { ensureCluster } from './possible.ts';
import { missingPrograms } from './programs.ts';
import { openSandbox, SANDBOX_VARIABLE } from './sandbox.ts';

const PORT_VARIABLE = 'FIREHOSE_CLUSTER_PORT';
const socketIn = (folder: string) => join(folder, 'api-server.sock');

const USAGE =
  'npm run cluster: keeps a whole cluster with the image of this checkout, until Ctrl-C. It takes no arguments.';

process.exitCode =
  answerArguments(process.argv.slice(2), USAGE) ??
  (process.env[SANDBOX_VARIABLE] === undefined ? await outside() : await inside());

async function outside(): Promise<number> {
  announceBuilds(missingPrograms(process.env), process.env, console.log);
  const found = await ensureCluster(process.env, console.log);
  if (!found.ok) {
    console.error(`no cluster can run here: ${found.remedy}`);
    return 1;
  }
  await using sandbox = await openSandbox();
  const way = forward(() => connect(socketIn(sandbox.folder)));
  way.listen(0, '127.0.0.1');
  await once(way, 'listening');
  const port = String((way.address() as AddressInfo).port);
  try {
    return await sandbox.run([process.execPath, fileURLToPath(import.meta.url)], {
      ...process.env,
      [PORT_VARIABLE]: port,
    });
  } finally {
    way.close();
  }
}

async function inside(): Promise<number> {
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  console.log('starting a cluster of two nodes ...');
  await using cluster = await startCluster();
  const images = await loadImages(cluster);
  const apiServer = Number(new URL(cluster.plane.server).port);
  const way = forward(() => connect(apiServer, '127.0.0.1'));
  way.listen(socketIn(cluster.folder));
  await once(way, 'listening');
  console.log(await instructions(cluster, Object.values(images), process.env[PORT_VARIABLE] ?? ''));
  await ended;
  console.log('stopping ...');
  way.close();
  return 0;
}

/** Forwards each connection to the one that `open` returns. */
function forward(open: () => ReturnType<typeof connect>): Server {
  return createServer((from) => {
    const to = open();
    // When either end closes, both close.
    pipeline(from, to, () => to.destroy());
    pipeline(to, from, () => from.destroy());
  });
}

async function instructions({ plane, folder, programs }: Cluster, images: readonly string[], port: string) {
  const file = join(folder, 'kubeconfig');
  await writeFile(file, kubeconfig(`https://127.0.0.1:${port}`, plane.pki.authority.cert, plane.admin.credentials));
  await chmod(file, 0o600);
  return `
The cluster is up: two nodes, with the images ${images.join(' and ')}. In another terminal:

  export KUBECONFIG=${file}
  alias kubectl=${plane.kubectlProgram} helm=${programs.helm}
  kubectl get pods -A

Nothing in it reaches another machine. From here, Services are reached by kubectl port-forward. Logs are in
${folder} and its folder cluster. Ctrl-C ends it all.
`;
}
