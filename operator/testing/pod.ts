import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { LOGIN_PATH } from '../../protocol/paths.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { secretText } from '../subscription/secret-text.ts';
import { deploymentPath, VOICE, type Platform } from './platform.ts';

const PROGRAM = fileURLToPath(new URL('../../cli/firehose.ts', import.meta.url));

interface Item {
  readonly key: string;
  readonly path: string;
}
interface Source {
  readonly name?: string;
  readonly secretName?: string;
  readonly items?: readonly Item[];
}
interface Volume {
  readonly name: string;
  readonly projected?: { readonly sources: readonly { configMap?: Source; secret?: Source }[] };
  readonly secret?: Source;
}
interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
    readonly fieldRef?: { readonly fieldPath: string };
  };
}
interface PodSpec {
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly env: readonly EnvironmentVariable[];
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  }[];
  readonly volumes: readonly Volume[];
}

/** One pod of a resource's Deployment, as a process of this machine instead of a kubelet's container. */
export interface Pod extends AsyncDisposable {
  readonly innerPort: number;
  /** Updates the mounted files, as a kubelet does periodically. */
  sync(): Promise<void>;
  /** Logs in with the certificate that the operator created. */
  login(body: object): Promise<{ status: number; body: Record<string, unknown> }>;
}

export async function runPod(platform: Platform, name: string): Promise<Pod> {
  const root = await mkdtemp(join(tmpdir(), 'firehose-pod-'));
  const deployment = await platform.get(deploymentPath(name));
  const spec = (deployment?.['spec'] as { template: { spec: PodSpec } } | undefined)?.template.spec;
  const container = spec?.containers[0];
  if (container === undefined) throw new Error(`the Deployment of ${name} has no container`);
  const mounted = new Map<string, string>();
  const sync = async () => {
    for (const { name: volume, mountPath } of container.volumeMounts) {
      const found = spec?.volumes.find((one) => one.name === volume);
      const files = found === undefined ? {} : await filesOf(platform, found);
      // A kubelet does not touch unchanged files.
      if (mounted.get(mountPath) === JSON.stringify(files)) continue;
      mounted.set(mountPath, JSON.stringify(files));
      await mount(join(root, mountPath), files);
    }
  };
  await sync();
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '', NODE_ENV: 'test' };
  for (const variable of container.env) env[variable.name] = await valueOf(platform, variable, root);
  // Free ports, which the gateway itself chooses: pods of one machine share its ports.
  Object.assign(env, { FIREHOSE_PORT: '0', FIREHOSE_INNER_PORT: '0', LOG_LEVEL: 'info' });
  const child = spawn(process.execPath, [PROGRAM, ...container.args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const { port, inner_port: innerPort } = await listening(child);
  const ca = secretText(await platform.get(`/api/v1/namespaces/${VOICE}/secrets/${name}-tls`), 'ca.crt') ?? '';
  return {
    innerPort,
    sync,
    login: (body) => post({ port, ca, servername: `${name}.${VOICE}.svc` }, body),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      child.kill('SIGTERM');
      await exited;
      await rm(root, { recursive: true, force: true });
    },
  };
}

const START_LIMIT_MS = 60_000;

/** Reads the log until it says where the gateway listens, and then to its end: a full pipe would stop the gateway. */
async function listening(child: ChildProcessByStdio<null, Readable, null>) {
  const said = Promise.withResolvers<{ port: number; inner_port: number }>();
  const timer = setTimeout(() => said.reject(new Error('the gateway does not say where it listens')), START_LIMIT_MS);
  child.once('exit', (code) => said.reject(new Error(`the gateway ended with ${code} before it listened`)));
  createInterface(child.stdout).on('line', (line) => {
    if (line.includes('"msg":"listening"')) said.resolve(JSON.parse(line) as { port: number; inner_port: number });
  });
  try {
    return await said.promise;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function valueOf(platform: Platform, { value, valueFrom }: EnvironmentVariable, root: string): Promise<string> {
  if (valueFrom === undefined) return value?.startsWith('/') === true ? join(root, value) : (value ?? '');
  // A pod's own identity: here there is one pod of each revision, and its path is its name.
  if (valueFrom.fieldRef !== undefined) return valueFrom.fieldRef.fieldPath.replace(/\W+/g, '-');
  const { name = '', key = '' } = valueFrom.secretKeyRef ?? {};
  return secretText(await platform.get(`/api/v1/namespaces/${VOICE}/secrets/${name}`), key) ?? '';
}

async function filesOf(platform: Platform, volume: Volume): Promise<Record<string, string>> {
  const sources = volume.projected?.sources ?? (volume.secret === undefined ? [] : [{ secret: volume.secret }]);
  const files: Record<string, string> = {};
  for (const { configMap, secret } of sources) {
    const plural = secret === undefined ? 'configmaps' : 'secrets';
    const { name, secretName, items } = secret ?? configMap ?? {};
    const object = await platform.get(`/api/v1/namespaces/${VOICE}/${plural}/${secretName ?? name ?? ''}`);
    const data = dataOf(object, secret !== undefined);
    const wanted = items ?? Object.keys(data).map((key) => ({ key, path: key }));
    for (const { key, path } of wanted) files[path] = data[key] ?? '';
  }
  return files;
}

function dataOf(object: KubeObject | null, isSecret: boolean): Record<string, string> {
  const data = (object?.['data'] ?? {}) as Record<string, string>;
  return isSecret ? Object.fromEntries(Object.keys(data).map((key) => [key, secretText(object, key) ?? ''])) : data;
}

/** Like the kubelet: a new folder, and one swap of `..data`. */
async function mount(folder: string, files: Record<string, string>): Promise<void> {
  const version = `..${Date.now()}-${Math.random().toString(36).slice(2)}`;
  await mkdir(join(folder, version), { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, version, name), content);
  await symlink(version, join(folder, '..data.new'));
  await rename(join(folder, '..data.new'), join(folder, '..data'));
  for (const name of Object.keys(files)) {
    await symlink(join('..data', name), join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

function post(
  target: { port: number; ca: string; servername: string },
  body: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const call = request({ ...target, host: '127.0.0.1', path: LOGIN_PATH, method: 'POST' }, (answer) => {
      const status = answer.statusCode ?? 0;
      text(answer).then((content) => resolve({ status, body: JSON.parse(content) as Record<string, unknown> }), reject);
    });
    call.once('error', reject);
    call.end(JSON.stringify(body));
  });
}
