import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import type { Definition } from './install-crd.ts';

export interface DefinitionSource {
  readonly module: string;
  readonly version: string;
  /** The module's hash in Go's checksum database. */
  readonly sum: string;
  readonly file: string;
}

/** Where other projects keep the definitions of the kinds of which the operator creates objects. */
const SOURCES: readonly DefinitionSource[] = [
  {
    module: 'sigs.k8s.io/gateway-api',
    version: 'v1.6.3',
    sum: 'h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=',
    file: 'config/crd/standard/gateway.networking.k8s.io_httproutes.yaml',
  },
  {
    module: 'github.com/cert-manager/cert-manager',
    version: 'v1.21.2',
    sum: 'h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=',
    file: 'deploy/crds/cert-manager.io_certificates.yaml',
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    sum: 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
    file: 'example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml',
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    sum: 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
    file: 'example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml',
  },
];

const run = promisify(execFile);
const DOWNLOAD_LIMIT_MS = 120_000;

/**
 * The real definitions, by default of HTTPRoute, Certificate, ServiceMonitor and PrometheusRule: from the cache, else
 * from their projects' Go modules, whose checksums are pinned. Null when neither is available (no Go, no module proxy),
 * with a line that says why.
 */
export async function foreignDefinitions(
  sources: readonly DefinitionSource[] = SOURCES,
): Promise<readonly Definition[] | null> {
  try {
    return await Promise.all(
      sources.map(async (source) => parse(await readFile(await kept(source), 'utf8')) as Definition),
    );
  } catch (error) {
    console.log(`NOT HERE: the definitions of other projects' kinds: ${(error as Error).message.split('\n')[0] ?? ''}`);
    return null;
  }
}

/** Beside the control plane's programs, outside of the checkout. */
async function kept(source: DefinitionSource): Promise<string> {
  const base = process.env['XDG_CACHE_HOME'] ?? '';
  const folder = join(base === '' ? join(homedir(), '.cache') : base, 'firehose', 'kinds');
  const path = join(folder, `${source.file.split('/').at(-1) ?? ''}.${source.version}`);
  const isKept = await readFile(path).then(
    () => true,
    () => false,
  );
  if (isKept) return path;
  const downloaded = await download(source);
  await mkdir(folder, { recursive: true });
  // Atomic: two test files may do it at the same time.
  const draft = `${path}.${process.pid}`;
  await copyFile(downloaded, draft);
  await rename(draft, path);
  return path;
}

async function download({ module, version, sum, file }: DefinitionSource): Promise<string> {
  const args = ['mod', 'download', '-json', `${module}@${version}`];
  const { stdout } = await run('go', args, { timeout: DOWNLOAD_LIMIT_MS, cwd: homedir() });
  const found = JSON.parse(stdout) as { Dir?: string; Sum?: string };
  if (found.Sum !== sum || found.Dir === undefined) throw new Error(`${module} ${version} is not what it was`);
  return join(found.Dir, file);
}
