import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { memoryGrantStore } from '../auth/grant-store.ts';
import { openKeyRing } from '../auth/signing-keys.ts';
import { createTokens, LEEWAY_S } from '../auth/token.ts';
import { startGateway } from '../testing/running-gateway.ts';

const ACCOUNT = '91eb05e5c68d7ca05e7618b6821d2d16';

test(
  'a session ends with 4401 when its token has been expired for as long as the leeway',
  { timeout: 30_000 },
  async () => {
    await using running = await startGateway({});
    const tokens = createTokens({
      keys: await openKeyRing(join(running.stateFolder, 'signing-key.json'), 'HS256'),
      grants: memoryGrantStore(Date.now),
      resource: 'default/quickstart',
      issuer: 'default/quickstart',
      audience: 'default/quickstart',
      // Already past its `exp`, and within the leeway for some more seconds: a busy machine takes time to connect.
      ttlMs: -(LEEWAY_S - 8) * 1_000,
    });
    const account = { id: ACCOUNT, name: 'admin', realm: 'r', parent: null, enabled: true };
    const grant = { account: ACCOUNT, accounts: null, events: null };
    const token = await tokens.issue({ grant, account, username: 'admin', mark: 0, now: Date.now() });
    const client = await running.connect(`?token=${token}`);
    const { code, reason } = await client.closed;
    assert.equal(code, 4401);
    assert.match(reason, /^\{"e":"token_expired","c":"[A-Za-z0-9_-]+"\}$/);
  },
);
