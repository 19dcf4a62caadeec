import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from '../../testing/control-plane/admin.ts';
import { subscriptionDefinition } from '../crd/definitions.ts';

const PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string };
    readonly versions: readonly { readonly name: string }[];
  };
}

/** Installs a CRD, by default FirehoseSubscription's, and waits until its resources are served. */
export async function installCrd(plane: { admin: Admin }, definition: Definition = subscriptionDefinition()) {
  await plane.admin.must('POST', PATH, definition);
  const { group, names, versions } = definition.spec;
  const served = `/apis/${group}/${versions[0]?.name ?? ''}/${names.plural}`;
  // Answers 404 as plain text until then.
  while (!(await plane.admin.isServed(served))) await delay(50);
}
