import { spawnSync } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';

/** Runs a command only while a core is idle: the CPU time of an attacker on another machine is not the gateway's either. */
const IDLE = ['chrt', '--idle', '0'];
let canIdle: boolean | undefined;

/**
 * The command with which a program runs in the scheduler's idle class (sched(7)), or the program's own elsewhere. One that
 * is measured at a raised priority has other programs beside it, which would leave an idle one nothing: a low priority
 * does there.
 */
export function idly(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  canIdle ??= getPriority() >= 0 && spawnSync(IDLE[0] ?? '', [...IDLE.slice(1), 'true']).status === 0;
  return canIdle ? (['chrt', ...IDLE.slice(1), ...command] as const) : command;
}

/**
 * Takes a process out of the idle class. Beside other load the class may get no time for minutes: nothing would be
 * attacked, and the process could not even end.
 */
export function hurry(pid: number | undefined): void {
  if (canIdle === true && pid !== undefined)
    spawnSync(IDLE[0] ?? '', ['--all-tasks', '--other', '--pid', '0', String(pid)]);
}

/** Nice values below a raised priority: a tenth of the share of a core (sched(7)). */
const FAR_BELOW = 10;

/** Gives this process the lowest priority; where it was raised, one far below. */
export function lowerPriority(): void {
  const now = getPriority();
  setPriority(now < 0 ? now + FAR_BELOW : constants.priority.PRIORITY_LOW);
}
