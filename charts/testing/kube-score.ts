import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** A finding of kube-score. */
export interface Finding {
  readonly check: string;
  /** `Deployment firehose-operator` */
  readonly object: string;
  readonly what: string;
}

interface ScoredObject {
  readonly type_meta: { readonly kind: string };
  readonly object_meta: { readonly name: string };
  readonly checks: readonly {
    readonly check: { readonly id: string };
    readonly grade: number;
    readonly skipped: boolean;
    readonly comments: readonly { readonly path: string; readonly summary: string }[] | null;
  }[];
}

const ALL_OK = 10;
const LIMIT_MS = 60_000;

/** Judges rendered manifests. Rejects when they cannot be read. */
export async function kubeScore(program: string, manifests: string): Promise<readonly Finding[]> {
  const args = ['score', '--kubernetes-version', 'v1.32', '--output-format', 'json', '-'];
  const child = spawn(program, args, { stdio: 'pipe', timeout: LIMIT_MS });
  child.stdin.on('error', () => undefined);
  child.stdin.end(manifests);
  const exit = once(child, 'exit');
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (!output.startsWith('[')) throw new Error(`kube-score: ${errors || output}`);
  const objects = JSON.parse(output) as readonly ScoredObject[];
  return objects.flatMap(({ type_meta: { kind }, object_meta: { name }, checks }) =>
    checks
      .filter(({ grade, skipped }) => !skipped && grade < ALL_OK)
      .map(({ check, comments }) => ({
        check: check.id,
        object: `${kind} ${name}`,
        what: (comments ?? []).map(({ path, summary }) => `${path} ${summary}`.trim()).join('; '),
      })),
  );
}
