import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import { CHART } from '../generated.ts';

/** Inputs of a chart's rendering. */
export interface Rendering {
  readonly values?: object;
  readonly release?: string;
  readonly namespace?: string;
  readonly chart?: string;
}

export interface HelmAnswer {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

export interface RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** A Helm of this machine. A self-built one assumes an ancient cluster when it does not ask it. */
const OFFLINE = ['--kube-version', '1.36.3'];
const KINDS = ['monitoring.coreos.com/v1', 'firehose.dev/v1alpha1/FirehoseSource'].flatMap((kind) => [
  '--api-versions',
  kind,
]);
const LIMIT_MS = 110_000;

/** Runs Helm; never rejects because of its exit code. */
export async function helm(program: string, args: readonly string[], values?: object): Promise<HelmAnswer> {
  const all = values === undefined ? args : [...args, '--values', '-'];
  const child = spawn(program, all, { stdio: 'pipe', timeout: LIMIT_MS });
  child.stdin.on('error', () => undefined);
  child.stdin.end(values === undefined ? '' : JSON.stringify(values));
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { code, output, errors };
}

export function template(program: string, rendering: Rendering = {}): Promise<HelmAnswer> {
  const { values = {}, release = 'firehose', namespace = 'firehose-system', chart = CHART } = rendering;
  return helm(program, ['template', release, chart, '--namespace', namespace, ...OFFLINE, ...KINDS], values);
}

export function lint(program: string, values: object): Promise<HelmAnswer> {
  return helm(program, ['lint', '--strict', CHART, ...OFFLINE], values);
}

/** The objects of a rendering, including hooks, by kind and name. Rejects with Helm's output. */
export async function objectsOf(program: string, rendering: Rendering = {}): Promise<readonly RenderedObject[]> {
  const { code, output, errors } = await template(program, rendering);
  if (code !== 0) throw new Error(errors);
  return readObjects(output);
}

/** In an order that does not depend on the renderer. */
export function readObjects(yaml: string): readonly RenderedObject[] {
  const objects = parseAllDocuments(yaml)
    .map((document) => document.toJS() as RenderedObject | null)
    .filter((object) => object !== null);
  return objects.sort((one, other) => idOf(one).localeCompare(idOf(other), 'en'));
}

export function idOf({ kind, metadata }: RenderedObject): string {
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}
