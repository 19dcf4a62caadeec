import type { KubeObject } from '../kubernetes/objects.ts';

interface ContainerStatus {
  readonly restartCount?: number;
  readonly state?: State;
  readonly lastState?: State;
}
interface State {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly exitCode?: number; readonly message?: string; readonly finishedAt?: string };
}

/** Why a gateway or a source does not start, according to its pod. */
export interface LastWords {
  readonly reason: 'Crashing' | 'NotStarted';
  readonly message: string;
}

const MAX_LENGTH = 512;
/** Levels of pino. */
const [ERROR, FATAL] = [50, 60];
/** Reasons of the kubelet that need a person. Others, such as ContainerCreating, are temporary. */
const WAITING: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);

/**
 * The reason from the pods of a resource: the last line of a gateway's log before its end (its termination message,
 * `FallbackToLogsOnError`), or why its container was not started. Null when no pod has ended. Gateways log no secrets.
 */
export function lastWords(pods: readonly KubeObject[]): LastWords | null {
  const found = pods.flatMap((pod) => {
    const status = (pod['status'] ?? {}) as { containerStatuses?: readonly ContainerStatus[] };
    return (status.containerStatuses ?? []).map((container) => ({ name: pod.metadata.name, container }));
  });
  const ended = found
    .map(({ name, container }) => ({ name, end: container.state?.terminated ?? container.lastState?.terminated }))
    .filter(({ end }) => end !== undefined && end.exitCode !== 0)
    .toSorted((one, other) => (one.end?.finishedAt ?? '').localeCompare(other.end?.finishedAt ?? ''))
    .at(-1);
  if (ended?.end !== undefined) {
    const words = lastLine(ended.end.message ?? '');
    const code = `exit code ${ended.end.exitCode ?? 'unknown'}`;
    return { reason: 'Crashing', message: `${ended.name} ended with ${code}: ${words || 'it logged nothing'}` };
  }
  for (const { name, container } of found) {
    const { reason = '', message = '' } = container.state?.waiting ?? {};
    if (WAITING.has(reason)) return { reason: 'NotStarted', message: `${name}: ${reason}: ${short(message)}` };
  }
  return null;
}

/** Every line that ended the process, else the last error, else the last line: what a person would read. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const parsed = lines.map(messageOf).filter((line) => line !== null);
  const fatal = parsed.filter(({ level }) => level >= FATAL).map(({ message }) => message);
  if (fatal.length > 0) return short(fatal.join('; '));
  const error = parsed.findLast(({ level }) => level >= ERROR) ?? parsed.at(-1);
  return short(error?.message ?? lines.at(-1) ?? '');
}

/** Null for text that is not a line of the gateway's log: the first one may be cut off. */
function messageOf(line: string): { readonly level: number; readonly message: string } | null {
  try {
    const { level, msg, err } = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } };
    if (typeof msg !== 'string') return null;
    const cause = typeof err?.message === 'string' ? `: ${err.message}` : '';
    return { level: levelOf(level), message: `${msg}${cause}` };
  } catch {
    return null;
  }
}

function levelOf(level: unknown): number {
  if (typeof level === 'number') return level;
  return level === 'fatal' ? FATAL : level === 'error' ? ERROR : 0;
}

/** One line of bounded length without control characters. */
function short(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1)}…` : line;
}
