import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { freePort } from '../free-port.ts';
import { createAdmin, type Admin } from './admin.ts';
import { announceBuilds } from '../go-build.ts';
import { ensureBinaries, missingBinaries, type Binaries } from './binaries.ts';
import { startDaemon, type Daemon } from './daemon.ts';
import { kubeconfig } from './kubeconfig.ts';
import { createPki, type Pki } from './pki.ts';

export interface ControlPlaneOptions {
  /**
   * Kubernetes' own controllers: all (garbage collection, deployments, service accounts) by default; none; or all
   * except those of workloads, so that a test can report what no kubelet does: that the pods of a Deployment are ready.
   */
  readonly controllers?: 'all' | 'none' | 'without workloads';
  /** Data, certificates, logs; default: a temporary folder, removed at the end. */
  readonly folder?: string;
  /**
   * An address of this machine by which kubelets and pods reach the API server; default: only this machine reaches it.
   */
  readonly nodesVia?: string;
}

/** A request that the API server has answered, from its audit log. */
export interface AuditEntry {
  readonly user: string;
  readonly verb: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly code: number;
  /**
   * By the rule of authorisation; a 403 can also come from admission, which knows a new kind only seconds after its
   * creation.
   */
  readonly isForbidden: boolean;
  /** Unix milliseconds. */
  readonly at: number;
}

/** A real etcd, kube-apiserver and kube-controller-manager of this machine, on the loopback interface. */
export interface ControlPlane extends AsyncDisposable {
  readonly server: string;
  readonly folder: string;
  readonly pki: Pki;
  /** File of the administrator. */
  readonly kubeconfig: string;
  readonly admin: Admin;
  readonly etcd: Daemon;
  readonly etcdUrl: string;
  readonly apiServer: Daemon;
  readonly kubectlProgram: string;
  /** Runs kubectl as the administrator; rejects with its output. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** All requests so far, including watches and reads. */
  audit(): Promise<AuditEntry[]>;
}

/** Starts one in about five seconds. Rejects when the programs are not available on this machine. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  await using stack = new AsyncDisposableStack();
  announceBuilds(missingBinaries(process.env), process.env, console.log);
  const found = await ensureBinaries(process.env, console.log);
  if (!found.ok) throw new Error(`there is no control plane on this machine: ${found.remedy}`);
  const { binaries } = found;
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'firehose-control-plane-')));
  if (options.folder === undefined) stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const { nodesVia } = options;
  const pki = await createPki(folder, Date.now(), nodesVia === undefined ? [] : [nodesVia]);
  const { etcd, etcdUrl } = await elsewhere(() => startEtcd(folder, binaries.etcd));
  stack.defer(() => etcd.kill());
  const { apiServer, server, admin } = await elsewhere(() =>
    startApiServer({ folder, binaries, pki, etcdUrl, nodesVia }),
  );
  stack.defer(() => apiServer.kill());
  const adminFile = join(folder, 'admin.kubeconfig');
  await writeFile(adminFile, kubeconfig(server, pki.authority.cert, admin.credentials), { mode: 0o600 });
  const { controllers = 'all' } = options;
  if (controllers !== 'none') {
    const manager = await startControllers({ folder, binaries, pki, server }, controllers);
    stack.defer(() => manager.kill());
  }
  const owned = stack.move();
  return {
    server,
    folder,
    pki,
    kubeconfig: adminFile,
    admin,
    etcd,
    etcdUrl,
    apiServer,
    kubectlProgram: binaries.kubectl,
    kubectl: (args, input) => kubectl(binaries.kubectl, ['--kubeconfig', adminFile, ...args], input),
    audit: async () => parseAudit(await readFile(join(folder, 'audit.log'), 'utf8')),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const ATTEMPTS = 3;

/** Tries again with other ports: another process may take one between finding and using it. */
async function elsewhere<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function startEtcd(folder: string, program: string) {
  const [port, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const etcd = await startDaemon({
    program,
    args: [
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    logFile: join(folder, 'etcd.log'),
    isUp: () =>
      fetch(`${url}/health`).then(
        (answer) => answer.ok,
        () => false,
      ),
  });
  return { etcd, etcdUrl: url };
}

interface Parts {
  readonly folder: string;
  readonly binaries: Binaries;
  readonly pki: Pki;
}

const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  // A watch is reported when it starts: it ends late, or never.
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

/** How nodes reach the API server, and how it reaches them: logs, exec and port-forward. */
async function nodeArguments(pki: Pki, folder: string, address: string): Promise<string[]> {
  const client = await pki.client('kube-apiserver', ['system:masters']);
  const files = [join(folder, 'kubelet-client.crt'), join(folder, 'kubelet-client.key')] as const;
  await writeFile(files[0], client.cert, { mode: 0o600 });
  await writeFile(files[1], client.key, { mode: 0o600 });
  return [
    '--bind-address=0.0.0.0',
    `--advertise-address=${address}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement',
    `--kubelet-client-certificate=${files[0]}`,
    `--kubelet-client-key=${files[1]}`,
    `--kubelet-certificate-authority=${pki.files.ca}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
}

const WITHOUT_NODES = [
  '--bind-address=127.0.0.1',
  '--advertise-address=127.0.0.1',
  '--authorization-mode=RBAC',
  // As in some distributions: blocking an owner's deletion needs the right to it.
  '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
  '--endpoint-reconciler-type=none',
];

type ApiServerParts = Parts & { readonly etcdUrl: string; readonly nodesVia: string | undefined };

async function startApiServer({ folder, binaries, pki, etcdUrl, nodesVia }: ApiServerParts) {
  const port = await freePort();
  const server = `https://127.0.0.1:${port}`;
  const policy = join(folder, 'audit-policy.yaml');
  await writeFile(policy, stringify(AUDIT_POLICY));
  const admin = createAdmin(server, pki.authority.cert, await pki.client('admin', ['system:masters']));
  const { files } = pki;
  const apiServer = await startDaemon({
    program: binaries['kube-apiserver'],
    args: [
      `--etcd-servers=${etcdUrl}`,
      ...(nodesVia === undefined ? WITHOUT_NODES : await nodeArguments(pki, folder, nodesVia)),
      `--secure-port=${port}`,
      `--tls-cert-file=${files.serverCert}`,
      `--tls-private-key-file=${files.serverKey}`,
      `--client-ca-file=${files.ca}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${files.serviceAccountPublicKey}`,
      `--service-account-signing-key-file=${files.serviceAccountKey}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--allow-privileged',
      `--audit-policy-file=${policy}`,
      `--audit-log-path=${join(folder, 'audit.log')}`,
    ],
    logFile: join(folder, 'kube-apiserver.log'),
    isUp: () => admin.isReady(),
  });
  return { apiServer, server, admin };
}

/** Garbage collection searches for new kinds every 30 s: a test that waits for it takes that long. */
async function startControllers(
  parts: Parts & { server: string },
  which: 'all' | 'without workloads',
): Promise<Daemon> {
  const { folder, binaries, pki, server } = parts;
  const file = join(folder, 'controller-manager.kubeconfig');
  const user = await pki.client('system:kube-controller-manager');
  await writeFile(file, kubeconfig(server, pki.authority.cert, user), { mode: 0o600 });
  return startDaemon({
    program: binaries['kube-controller-manager'],
    args: [
      `--kubeconfig=${file}`,
      `--authentication-kubeconfig=${file}`,
      `--authorization-kubeconfig=${file}`,
      `--service-account-private-key-file=${pki.files.serviceAccountKey}`,
      `--root-ca-file=${pki.files.ca}`,
      `--controllers=*${which === 'all' ? '' : ',-deployment-controller,-replicaset-controller'}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      '--secure-port=0',
    ],
    logFile: join(folder, 'kube-controller-manager.log'),
    isUp: async () => true,
  });
}

async function kubectl(program: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, args, { stdio: 'pipe' });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (code !== 0) throw new Error(`kubectl ${args.slice(2).join(' ')}: ${errors || output}`);
  return output;
}

interface AuditLine {
  /** Anonymous, where no credentials were sent. */
  readonly user: { readonly username?: string };
  readonly verb: string;
  readonly objectRef?: Partial<Record<'resource' | 'subresource' | 'namespace' | 'name', string>>;
  readonly responseStatus?: { readonly code?: number };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly requestReceivedTimestamp: string;
}

function parseAudit(lines: string): AuditEntry[] {
  return lines
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as AuditLine)
    .map(({ user, verb, objectRef = {}, responseStatus, annotations, requestReceivedTimestamp }) => ({
      user: user.username ?? '',
      verb,
      resource: objectRef.resource ?? '',
      subresource: objectRef.subresource ?? '',
      namespace: objectRef.namespace ?? '',
      name: objectRef.name ?? '',
      code: responseStatus?.code ?? 0,
      isForbidden: annotations?.['authorization.k8s.io/decision'] === 'forbid',
      at: Date.parse(requestReceivedTimestamp),
    }));
}
