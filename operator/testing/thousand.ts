/**
 * `npm run operator:thousand [-- <resources>]`: a thousand resources on a real API server. After they converge, three
 * resyncs are observed, during which nothing but the Lease may be written. Prints figures; fails when something was
 * written.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../testing/free-port.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { operatorRequests, operatorWrites } from './audit.ts';
import { startPlatform, SYSTEM, VOICE } from './platform.ts';

const PROGRAM = fileURLToPath(new URL('../../cli/firehose.ts', import.meta.url));
const RESYNC_S = 60;
const USAGE = `npm run operator:thousand [-- <resources>]
  1,000 resources where no number is given. Exit codes: 0 nothing was written in a steady state, 1 something was, 2 wrong use.`;
const [first = '1000', ...others] = process.argv.slice(2);
if (first === '--help' || first === '-h') {
  console.log(USAGE);
  process.exit(0);
}
if (!/^[1-9]\d{0,4}$/.test(first) || others.length > 0) {
  console.error(`not a number of resources from 1 to 99999: ${[first, ...others].join(' ')}\n${USAGE}`);
  process.exit(2);
}
const COUNT = Number(first);
const AT_ONCE = 20;

await using platform = await startPlatform();
await platform.secrets(VOICE);
const port = await freePort();
const operator = spawn(process.execPath, [PROGRAM, 'operator'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    ...process.env,
    KUBECONFIG: await platform.operatorKubeconfig(),
    FIREHOSE_GATEWAY_IMAGE: 'registry.example.com/firehose:test',
    FIREHOSE_WATCH_NAMESPACES: '*',
    FIREHOSE_NAMESPACE: SYSTEM,
    FIREHOSE_OPERATOR_HOST: '127.0.0.1',
    FIREHOSE_OPERATOR_PORT: String(port),
    FIREHOSE_RESYNC_SECONDS: String(RESYNC_S),
    LOG_LEVEL: 'warn',
  },
});
process.on('exit', () => operator.kill('SIGKILL'));

const start = performance.now();
const seconds = () => Math.round((performance.now() - start) / 1_000);
const nameOf = (index: number) => `tenant-${String(index).padStart(4, '0')}`;
await inParallel(COUNT, (index) => platform.create(nameOf(index)));
console.log(`${COUNT} resources made after ${seconds()} s`);
await inParallel(COUNT, (index) => platform.markReady(nameOf(index)));
console.log(`every Deployment made, and called ready, after ${seconds()} s`);
let ready = 0;
while ((ready = await countReady()) < COUNT) {
  console.log(`  ${ready} Ready after ${seconds()} s`);
  await delay(5_000);
}
const converged = seconds();
const requests = await operatorRequests(platform.plane);
const writes = await operatorWrites(platform.plane);
console.log(`all Ready after ${converged} s: ${requests.length} requests, ${writes.length} of them writes`);

// The last passes after the last change of a status.
await delay(45_000);
const from = Date.now();
const cpuBefore = await metric('controller_runtime_reconcile_total');
await delay(3 * RESYNC_S * 1_000);
const late = await operatorWrites(platform.plane, from);
const asked = (await operatorRequests(platform.plane)).filter(({ at }) => at >= from);
const passes = (await metric('controller_runtime_reconcile_total')) - cpuBefore;
const mebibytes = Math.round((await metric('firehose_process_resident_memory_bytes')) / 1_048_576);
console.log(`over three resyncs of ${RESYNC_S} s: ${passes} passes, ${asked.length} requests, ${late.length} writes`);
console.log(`resident memory of the operator: ${mebibytes} MiB`);
for (const { verb, resource, subresource, name, code } of late.slice(0, 10)) {
  console.log(`  ${verb} ${resource}/${subresource} ${name} ${code}`);
}
operator.kill('SIGTERM');
process.exitCode = late.length === 0 ? 0 : 1;

async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function countReady(): Promise<number> {
  const path = `/apis/firehose.dev/v1alpha1/namespaces/${VOICE}/firehosesubscriptions`;
  const { items } = await platform.plane.admin.must('GET', path);
  return (items as KubeObject[]).filter(({ status }) =>
    (status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions?.some(
      (one) => one.type === 'Ready' && one.status === 'True',
    ),
  ).length;
}

/** The sum over all labels. */
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
