import { spawnSync } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';

/**
 * Runs a command only while a core is idle: the CPU time of an attacker on another machine would not affect the gateway
 * either.
 */
const IDLE = ['chrt', '--idle', '0'];
let canIdle: boolean | undefined;

/**
 * The command that runs a program in the scheduler's idle class (sched(7)), or the program itself on other systems. If
 * the measured program has a raised priority, other programs beside it would leave nothing to an idle one: then a low
 * priority is used.
 */
export function idly(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  canIdle ??= getPriority() >= 0 && spawnSync(IDLE[0] ?? '', [...IDLE.slice(1), 'true']).status === 0;
  return canIdle ? (['chrt', ...IDLE.slice(1), ...command] as const) : command;
}

/**
 * Takes a process out of the idle class. Under other load the class may get no time for minutes: the attack would not
 * run, and the process could not even end.
 */
export function hurry(pid: number | undefined): void {
  if (canIdle === true && pid !== undefined)
    spawnSync(IDLE[0] ?? '', ['--all-tasks', '--other', '--pid', '0', String(pid)]);
}

/** Nice values below a raised priority: a tenth of the share of a core (sched(7)). */
const FAR_BELOW = 10;

/** Gives this process the lowest priority; below a raised one, a far lower one. */
export function lowerPriority(): void {
  const now = getPriority();
  setPriority(now < 0 ? now + FAR_BELOW : constants.priority.PRIORITY_LOW);
}
