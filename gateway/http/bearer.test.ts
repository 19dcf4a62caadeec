import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBearerCheck } from './bearer.ts';

const asks = (token: string, authorization?: string) =>
  createBearerCheck(token)({ headers: authorization === undefined ? {} : { authorization } });

test('the one right token is let in, whatever the case of its scheme', () => {
  for (const authorization of ['Bearer right', 'bearer right', 'BEARER  right'])
    assert.ok(asks('right', authorization));
});

test('everything else is refused', () => {
  for (const wrong of [undefined, '', 'right', 'Bearer', 'Bearer ', 'Bearer Right', 'Bearer right x', 'Basic right'])
    assert.equal(asks('right', wrong), false, wrong);
});

test('an empty token lets nobody in', () => {
  for (const authorization of [undefined, '', 'Bearer', 'Bearer ', 'Bearer x'])
    assert.equal(asks('', authorization), false);
});
