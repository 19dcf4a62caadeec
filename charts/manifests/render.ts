import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { objectsOf, type RenderedObject } from '../testing/helm.ts';

export const MANIFESTS = fileURLToPath(new URL('.', import.meta.url));
export const INSTALL_FILE = `${MANIFESTS}install.yaml`;

const HEAD = '# Rendered from charts/firehose by `npm run manifests`. Changes by hand are lost.\n';

/** install.yaml: what Helm would install with the defaults over all namespaces, without Helm's labels and hooks. */
export async function installYaml(helm: string): Promise<string> {
  const values = { watchNamespaces: ['*'], uninstall: { subscriptions: 'Ignore' } };
  const objects = (await objectsOf(helm, { values })).filter(
    ({ metadata }) => metadata.annotations?.['helm.sh/hook'] === undefined,
  );
  const texts = objects.map((object) =>
    stringify(withoutHelm(object), { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' }),
  );
  return HEAD + texts.join('---\n');
}

function withoutHelm(object: RenderedObject): object {
  const { labels = {}, annotations = {}, ...metadata } = object.metadata;
  const { 'helm.sh/chart': _, ...ours } = labels;
  const { 'helm.sh/resource-policy': __, ...notes } = annotations;
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...ours, 'app.kubernetes.io/managed-by': 'kustomize' },
      ...(Object.keys(notes).length > 0 && { annotations: notes }),
    },
  };
}
