import { announceBuilds } from './go-build.ts';
import { ensureGoTool, missingGoTools } from './go-tools.ts';
import { ensureHadolint } from './hadolint.ts';
import type { Environment } from './program-places.ts';

/** Paths of the programs that test chart and image. */
export interface ChartTools {
  readonly helm: string;
  readonly helm3: string;
  readonly kubeScore: string;
  readonly hadolint: string;
  readonly glua: string;
}

export type FoundChartTools =
  | { readonly ok: true; readonly tools: ChartTools }
  /** `remedy` says how to change that. */
  | { readonly ok: false; readonly remedy: string };

/** What `ensureChartTools` would build, each with its version. */
export function missingChartTools(environment: Environment): readonly string[] {
  return missingGoTools(['helm', 'helm3', 'kube-score', 'glua'], environment);
}

/** Finds them, or builds missing ones once into the cache. */
export async function ensureChartTools(
  environment: Environment,
  say: (line: string) => void,
): Promise<FoundChartTools> {
  const paths: string[] = [];
  for (const find of [
    () => ensureGoTool('helm', environment, say),
    () => ensureGoTool('helm3', environment, say),
    () => ensureGoTool('kube-score', environment, say),
    () => ensureHadolint(environment, say),
    () => ensureGoTool('glua', environment, say),
  ]) {
    const found = await find();
    if (!found.ok) return found;
    paths.push(found.path);
  }
  const [helm = '', helm3 = '', kubeScore = '', hadolint = '', glua = ''] = paths;
  return { ok: true, tools: { helm, helm3, kubeScore, hadolint, glua } };
}

/** The same for a test; throws where they are not available. */
export async function chartTools(): Promise<ChartTools> {
  announceBuilds(missingChartTools(process.env), process.env, console.log);
  const found = await ensureChartTools(process.env, console.log);
  if (!found.ok) throw new Error(`the chart cannot be tested on this machine: ${found.remedy}`);
  return found.tools;
}
