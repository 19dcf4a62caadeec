import type { Admin } from '../../testing/control-plane/admin.ts';
import { CERTIFICATES, PROMETHEUS_RULES, ROUTES, SERVICE_MONITORS, type Kind } from '../kubernetes/objects.ts';
import { foreignDefinitions } from './foreign-definitions.ts';
import { installCrd, type Definition } from './install-crd.ts';

/**
 * Kinds of other projects: with their real schemas and rules if available, else only with their names, which suffices
 * to create, change and delete objects of them. Returns whether they are the real ones.
 */
export async function installForeignKinds(plane: { admin: Admin }): Promise<boolean> {
  const real = await foreignDefinitions();
  for (const definition of real ?? [CERTIFICATES, ROUTES, SERVICE_MONITORS, PROMETHEUS_RULES].map(shapeless)) {
    await installCrd(plane, definition);
  }
  return real !== null;
}

function shapeless({ group, version, plural, kind }: Kind): Definition {
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const protectedGroup = group.endsWith('.k8s.io');
  const spec = {
    group,
    scope: 'Namespaced',
    names: { plural, kind },
    versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema } }],
  };
  const metadata = {
    name: `${plural}.${group}`,
    // The API server accepts groups of Kubernetes' own only with a reference to their approval.
    ...(protectedGroup && { annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } }),
  };
  return Object.assign({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' }, { metadata, spec });
}
