import assert from 'node:assert/strict';
import { it } from 'node:test';
import { destroyDeclared } from '../../event-log/provisioning/release.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { undeclaredGroup } from '../../protocol/subscription/consumer-groups.ts';
import { until } from '../../testing/until.ts';
import { ACCOUNT, onOneRedis, RESOURCE } from '../testing/group-replica.ts';

const startReplica = onOneRedis();
const ID = `wh_${'A'.repeat(24)}`;

it('the group of a self-service webhook that was deleted during its creation is not created again', async () => {
  await using replica = await startReplica();
  const { groups, client, place } = replica;
  const declared = undeclaredGroup(ID, { account: ACCOUNT, webhook: { url: 'https://crm.example.com/' } });
  groups.useOwn([{ ...declared, account: ACCOUNT }]);
  // Another login of the account sees it in the list, and deletes it.
  groups.useOwn([]);
  await groups.createOwn({ ...declared, account: ACCOUNT });
  await destroyDeclared(client, place, { resource: RESOURCE, group: ID });
  // The keeper has looked at all groups twice since.
  const { events, meta } = streamKeys(place.keyPrefix, 0);
  for (let looks = 0; looks < 2; looks += 1) {
    await client.del(meta);
    await until('the keeper', () => client.hexists(meta, 'epoch'), { holds: (seen) => seen === 1 });
  }
  const left = JSON.stringify(await client.xinfo('GROUPS', events)) + JSON.stringify(await client.hgetall(meta));
  assert.ok(!left.includes(ID), left);
});
