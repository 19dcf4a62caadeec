import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LegRegistry, MAX_LEGS, type Claim, type Draft } from './leg-registry.ts';

let made = 0;
const draft = (name: string): Draft => {
  made += 1;
  return { name, eventId: `${name}.${made}`, position: '', at: 0, synthetic: null, render: (account) => account };
};
const CREATE = () => draft('CHANNEL_CREATE');
const ANSWER = () => draft('CHANNEL_ANSWER');
const DESTROY = () => draft('CHANNEL_DESTROY');

const named = (account: string): Claim => ({ named: account, byRule: () => '' });
const NONE = named('');
const ruled = (account: string): Claim => ({ named: '', byRule: () => account });

const shown = (events: readonly { name: string; account: string }[]) =>
  events.map(({ name, account }) => `${name.replace('CHANNEL_', '')} ${account}`);

test('a CREATE without account waits for the next event of its leg, which comes after it', () => {
  const registry = new LegRegistry<null>({ holdMs: 250 });
  const leg = registry.begin('a', 'a', null);
  assert.deepEqual(registry.emit(leg, CREATE(), NONE, 0), []);
  assert.deepEqual(registry.emit(leg, ANSWER(), NONE, 10), []);
  assert.deepEqual(shown(registry.emit(leg, draft('CHANNEL_BRIDGE'), named('acme'), 20)), [
    'CREATE acme',
    'ANSWER acme',
    'BRIDGE acme',
  ]);
  assert.deepEqual(shown(registry.emit(leg, draft('CHANNEL_HOLD'), NONE, 30)), ['HOLD acme']);
});

test('a wait ends with the hold, and nothing of the leg waits after it', () => {
  const registry = new LegRegistry<null>({ holdMs: 250 });
  const leg = registry.begin('a', 'a', null);
  registry.emit(leg, CREATE(), NONE, 1_000);
  assert.deepEqual(registry.advance(1_249), []);
  assert.deepEqual(shown(registry.advance(1_250)), ['CREATE ']);
  assert.deepEqual(shown(registry.emit(leg, ANSWER(), NONE, 1_300)), ['ANSWER ']);
});

test('a wait ends when the clock jumps back, when the leg ends, and never begins with a hold of 0', () => {
  const registry = new LegRegistry<null>({ holdMs: 250 });
  const leg = registry.begin('a', 'a', null);
  registry.emit(leg, CREATE(), NONE, 1_000);
  assert.deepEqual(shown(registry.advance(10)), ['CREATE ']);
  const other = registry.begin('b', 'b', null);
  registry.emit(other, CREATE(), NONE, 0);
  assert.deepEqual(shown(registry.end(other, DESTROY(), NONE, 1)), ['CREATE ', 'DESTROY ']);
  const direct = new LegRegistry<null>({ holdMs: 0 });
  assert.deepEqual(shown(direct.emit(direct.begin('c', '', null), CREATE(), NONE, 0)), ['CREATE ']);
});

test('a leg takes the account of its root, also when the root learns it later', () => {
  const registry = new LegRegistry<null>({ holdMs: 250 });
  const root = registry.begin('a', 'a', null);
  const leg = registry.begin('b', 'a', null);
  const leaf = registry.begin('c', 'b', null);
  registry.emit(root, CREATE(), NONE, 0);
  registry.emit(leg, CREATE(), NONE, 1);
  registry.emit(leaf, CREATE(), NONE, 2);
  assert.deepEqual(shown(registry.latch(root, 'acme')), ['CREATE acme', 'CREATE acme', 'CREATE acme']);
});

test('the event’s own account is first, then the leg’s, then the root’s, then the rules’', () => {
  const registry = new LegRegistry<null>({ holdMs: 0 });
  const root = registry.begin('a', 'a', null);
  registry.latch(root, 'root');
  const leg = registry.begin('b', 'a', null);
  const account = (claim: Claim) => registry.emit(leg, ANSWER(), claim, 0)[0]?.account;
  assert.equal(account(ruled('rule')), 'root');
  assert.equal(account(named('own')), 'own');
  assert.equal(account(NONE), 'own');
  const alone = registry.begin('c', 'nobody', null);
  assert.equal(registry.emit(alone, ANSWER(), ruled('rule'), 0)[0]?.account, 'rule');
});

test('what waits is bounded, of one leg and in all', () => {
  const registry = new LegRegistry<null>({ holdMs: 2_000 });
  const leg = registry.begin('a', 'a', null);
  registry.emit(leg, CREATE(), NONE, 0);
  let given = 0;
  for (let event = 0; event < 100 && given === 0; event += 1) given = registry.emit(leg, ANSWER(), NONE, 0).length;
  assert.equal(given, 65);
  let waiting = 0;
  for (let index = 0; index < 20_000; index += 1) {
    const other = registry.begin(`b${index}`, '', null);
    if (registry.emit(other, CREATE(), NONE, 0).length === 0) waiting += 1;
  }
  assert.equal(waiting, 10_000);
});

test('a leg that ended is remembered, more legs than a switch has are surplus', () => {
  const registry = new LegRegistry<null>({ holdMs: 0 });
  const leg = registry.begin('a', '', null);
  registry.end(leg, DESTROY(), NONE, 0);
  assert.equal(registry.get('a'), undefined);
  assert.ok(registry.hasEnded('a'));
  for (let index = 0; index < 30_000; index += 1) {
    registry.end(registry.begin(`e${index}`, '', null), DESTROY(), NONE, 0);
  }
  assert.ok(!registry.hasEnded('a'));
  for (let index = 0; index < MAX_LEGS; index += 1) registry.begin(`l${index}`, '', null);
  assert.equal(registry.surplus(), undefined);
  registry.begin('one more', '', null);
  assert.equal(registry.surplus()?.callId, 'l0');
});

test('the clock of the switch ends a wait, whenever its events arrive; ours does so while the switch is silent', () => {
  const registry = new LegRegistry<null>({ holdMs: 250, graceMs: 500 });
  const leg = registry.begin('a', 'a', null);
  registry.tick('core', 10_000);
  registry.emit(leg, CREATE(), NONE, 0);
  assert.deepEqual(registry.advance(749), [], 'an event that is under way may name the account');
  assert.deepEqual(registry.tick('another switch', 99_000), []);
  assert.deepEqual(registry.tick('core', 10_249), []);
  assert.deepEqual(shown(registry.tick('core', 10_250)), ['CREATE ']);
  const silent = registry.begin('b', 'b', null);
  registry.emit(silent, CREATE(), NONE, 1_000);
  assert.deepEqual(shown(registry.advance(1_750)), ['CREATE ']);
});
