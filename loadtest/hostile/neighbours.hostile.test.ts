import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isLong } from '../../testing/hostile-length.ts';
import { Started } from '../../testing/started.ts';
import { ATTACKS } from './attacks.ts';
import { Neighbour } from './neighbour.ts';
import { openTarget, type Target } from './target.ts';
import { judge } from './verdict.ts';

const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url));
const WINDOW_MS = isLong(process.env) ? 20_000 : 4_000;
/** An attack begins before the window and ends after it. */
const MARGIN_MS = 1_000;
const LIMIT = { timeout: 300_000 };

describe('I15: one client, however hostile, hurts nobody else', LIMIT, () => {
  let target: Target;
  let neighbour: Neighbour;

  before(async () => {
    target = await openTarget();
    neighbour = await Neighbour.open(target);
    // What is compiled and opened at the first use is not the attack's doing.
    await neighbour.observe(WINDOW_MS / 2);
  });
  after(async () => {
    await neighbour[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  for (const name of Object.keys(ATTACKS)) {
    test(`${name}: the neighbour's p99 moves by less than 10 % and it logs in within 2 s`, LIMIT, async (context) => {
      const before = await neighbour.observe(WINDOW_MS);
      const attacker = startAttack(name, target, WINDOW_MS + 2 * MARGIN_MS);
      await attacker.says(/"started"/);
      const attacked = await neighbour.observe(WINDOW_MS);
      const [, acts = '0'] = await attacker.says(/"acts":(\d+)/);
      await attacker.exitCode;
      const verdict = judge([before, await neighbour.observe(WINDOW_MS)], attacked);
      const figures = `p99 ${verdict.quietP99.toFixed(1)} -> ${verdict.attackedP99.toFixed(1)} ms`;
      context.diagnostic(`${name}: ${acts} acts, ${figures}, slowest login ${verdict.slowestLogin.toFixed(0)} ms`);
      assert.ok(Number(acts) > 0, 'the attack did nothing');
      assert.deepEqual(verdict.faults, []);
    });
  }
});

function startAttack(name: string, target: Target, ms: number): Started {
  const child = spawn(process.execPath, [ATTACKER, name, String(target.port), String(ms)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(target.ca);
  return new Started(child);
}
