import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isLong } from '../../testing/hostile-length.ts';
import { Started } from '../../testing/started.ts';
import { AT_HANGING_SERVER, ATTACKS, type Victim } from './attacks.ts';
import { hurry, idly } from './idly.ts';
import { Neighbour } from './neighbour.ts';
import { openDecoy, openTarget, type Decoy } from './target.ts';
import { judge, type Round, type Verdict, type Window } from './verdict.ts';

const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url));
/** The minimum and maximum number of rounds: more than the minimum only if the result is not clear yet. */
const { windowMs, least, most, isShared } = isLong(process.env)
  ? { windowMs: 5_000, least: 5, most: 9, isShared: false }
  : { windowMs: 1_500, least: 2, most: 6, isShared: true };
/** An attack begins before its window and is stopped after it. */
const LONGEST_ATTACK_MS = 60_000;
/** An attacker that has done nothing by then has no CPU time, because no core is idle. */
const STARVED_MS = 5_000;
const LIMIT = { timeout: 300_000 };
const SUITE_LIMIT = { timeout: 3_600_000 };

describe('I15: one client, however hostile, hurts nobody else', SUITE_LIMIT, () => {
  let decoy: Decoy;

  before(async () => {
    decoy = await openDecoy();
  });
  after(() => decoy[Symbol.asyncDispose]());

  for (const name of Object.keys(ATTACKS)) {
    test(`${name}: the neighbour's p99 moves by less than 10 % and it logs in within 2 s`, LIMIT, async (context) => {
      await using target = await openTarget({ asksHanging: name === AT_HANGING_SERVER });
      await using neighbour = await Neighbour.open(target);
      // Compilation and first-time opening are not effects of the attack.
      await neighbour.observe(windowMs);
      const rounds: Round[] = [];
      let verdict: Verdict;
      do {
        const quiet = await neighbour.observe(windowMs);
        const beside = await observeUnder(name, decoy, neighbour);
        rounds.push({ quiet, beside, attacked: await observeUnder(name, target, neighbour) });
        verdict = judge(rounds, { isShared });
      } while (rounds.length < least || (verdict.slow.length > 0 && rounds.length < most));
      context.diagnostic(`${name}: ${figures(verdict)}, ${rounds.length} rounds`);
      assert.deepEqual([...verdict.broken, ...verdict.slow], []);
    });
  }
});

async function observeUnder(name: string, victim: Victim, neighbour: Neighbour): Promise<Window> {
  const { attacker, pid } = startAttack(name, victim, LONGEST_ATTACK_MS);
  const starved = setTimeout(() => hurry(pid), STARVED_MS);
  await attacker.says(/"acts":[1-9]/).finally(() => clearTimeout(starved));
  const window = await neighbour.observe(windowMs);
  hurry(pid);
  attacker.kill('SIGTERM');
  await attacker.exitCode;
  return window;
}

function startAttack(name: string, { port, ca }: Victim, ms: number) {
  const [program, ...rest] = idly([process.execPath, ATTACKER, name, String(port), String(ms)]);
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(ca);
  return { attacker: new Started(child), pid: child.pid };
}

function figures({ quietP99, besideP99, attackedP99, slowestLogin }: Verdict): string {
  const [quiet, beside, attacked] = [quietP99, besideP99, attackedP99].map((value) => value.toFixed(1));
  return `p99 ${quiet} ms quiet, ${beside} beside a decoy, ${attacked} attacked; slowest login ${slowestLogin.toFixed(0)} ms`;
}
