import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../runtime/version.ts';

/**
 * Place of the version in a file: the group of the pattern. `docs/compatibility.test.ts` finds a place that is missing
 * here.
 */
const PLACES: Readonly<Record<string, RegExp>> = {
  'firehose/Chart.yaml': /^((?:version|appVersion): ).+$/gm,
  'gitops/argo-cd/application.yaml': /(targetRevision: v)\d\S*/g,
  'gitops/flux/firehose.yaml': /(tag: v)\d\S*/g,
  'manifests/kustomization.yaml': /(newTag: )\d\S*/g,
  '../Dockerfile': /(-t firehose:)\d+\.\d+\.\d+/g,
  '../docs/kubernetes.md': /(firehose:)\d+\.\d+\.\d+/g,
};

/** The files of the chart and around it that contain the version of package.json. */
export function filesWithVersion(): Promise<readonly { readonly path: string; readonly text: string }[]> {
  return Promise.all(
    Object.entries(PLACES).map(async ([name, place]) => {
      const path = fileURLToPath(new URL(name, import.meta.url));
      const text = await readFile(path, 'utf8');
      return { path, text: text.replace(place, (_, before: string) => `${before}${VERSION}`) };
    }),
  );
}
