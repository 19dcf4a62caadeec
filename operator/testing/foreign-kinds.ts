import type { Admin } from '../../runtime/testing/control-plane/admin.ts';
import { CERTIFICATES, ROUTES, SERVICE_MONITORS, type Kind } from '../kubernetes/objects.ts';
import { installCrd } from './install-crd.ts';

/** Kinds of other projects, with their names and no rules: enough to be made, changed and pruned. */
export async function installForeignKinds(plane: { admin: Admin }): Promise<void> {
  for (const kind of [CERTIFICATES, ROUTES, SERVICE_MONITORS]) await installCrd(plane, definitionOf(kind));
}

function definitionOf({ group, version, plural, kind }: Kind) {
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const protectedGroup = group.endsWith('.k8s.io');
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // Groups of Kubernetes' own are only taken with a word of where they were approved.
      ...(protectedGroup && { annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } }),
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}
