import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Router } from 'express';
import { ADMINISTRATION_REFERENCE_PATH } from '../../protocol/paths.ts';
import { administrationApi } from '../../protocol/reference/administration.ts';
import { buildAdministration, type AdministrationParts } from './build-administration.ts';

/** Methods and paths of a router and of those below it, as a document writes them. */
function routesOf(router: Router): readonly string[] {
  return router.stack.flatMap(({ route, handle }) => {
    if (route === undefined) return 'stack' in handle ? routesOf(handle as unknown as Router) : [];
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    const methods = new Set(route.stack.map(({ method }) => method).filter((method) => method !== undefined));
    return [...methods].map((method) => `${method} ${path}`);
  });
}

test('the document of the administration has every route, and no other', () => {
  // Routes are made without the parts that answer them.
  const built = buildAdministration({ token: 'token' } as AdministrationParts);
  const documented = Object.entries(administrationApi('0').paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );
  const routes = routesOf(built).filter((route) => route !== `get ${ADMINISTRATION_REFERENCE_PATH}`);
  assert.deepEqual(routes.toSorted(), documented.toSorted());
});
