import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { keptUp, measurePaced, type PacedSample } from './measurements.ts';
import { start } from './processes.ts';
import { judge, TARGETS, type Ratio } from './ratios.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { isDisturbed } from './sample.ts';
import { startGateway, type Bench, type Server } from './servers.ts';

/** An argon2id hash takes about 24 ms of CPU. */
const HALF_A_CORE = 21;
const STEP = { connections: 100, rate: 1_000, warmSeconds: 1.5 } as const;

interface Company {
  readonly logins: number;
  readonly resumes: number;
  readonly slow: number;
}

const ALONE: Company = { logins: 0, resumes: 0, slow: 0 };
const LOGINS: Company = { ...ALONE, logins: HALF_A_CORE };
const EVERYONE: Company = { logins: HALF_A_CORE, resumes: 5, slow: 10 };

/** P16: p99 of events beside expensive work of other clients, compared with no such work. Order: A B C A B C. */
export async function measureBeside(run: RunContext): Promise<Ratio[]> {
  const figures = { logins: [] as number[], everyone: [] as number[] };
  for (let round = 1; round <= run.mode.pacedRounds; round += 1) {
    const alone = await sample(run, 'alone', ALONE);
    const logins = await sample(run, 'beside logins', LOGINS);
    const everyone = await sample(run, 'beside logins, resumes, slow consumers', EVERYONE);
    figures.logins.push(ratio(logins, alone));
    figures.everyone.push(ratio(everyone, alone));
  }
  return [judge(TARGETS.P16, figures.logins), judge(TARGETS.P16all, figures.everyone)];
}

async function sample(run: RunContext, name: string, company: Company): Promise<PacedSample> {
  const start = () => startWith(run, company);
  const step = { ...STEP, seconds: run.mode.pacedSeconds };
  return note(run, await measurePaced(run.bench, { name: `gateway ${name}`, start }, step), true);
}

/** The hashing threads are helpers of the server itself: their time is measured, and is not a disturbance. */
function ratio(beside: PacedSample, alone: PacedSample): number {
  if (isDisturbed(beside) || isDisturbed(alone) || !keptUp(alone)) return Number.NaN;
  return keptUp(beside) ? beside.end.p99Us / alone.end.p99Us : Number.POSITIVE_INFINITY;
}

async function startWith(run: RunContext, company: Company): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startGateway(run.bench, 1));
  if (company.logins + company.resumes + company.slow > 0) {
    const others = stack.use(await startCompany(run.bench, server, company));
    stack.defer(async () => {
      const done = await others.ask<Record<string, number>>('what');
      progress(`  beside: ${JSON.stringify(done)}`);
      if ((done['failed'] ?? 0) > 0) run.faults.push(`beside: ${done['failed']} logins or resumes failed`);
      if (company.logins > 0 && done['logins'] === 0) run.faults.push('beside: nobody could log in');
    });
  }
  const owned = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function startCompany(bench: Bench, server: Server, { logins, resumes, slow }: Company) {
  const [target = ''] = (await readFile(server.targets, 'utf8')).split('\n');
  const others = await start([process.execPath, fileURLToPath(new URL('company.ts', import.meta.url))], {
    place: 'load',
    isYielding: true,
    environment: {
      PORT: String(server.port),
      TARGET: target,
      LOGINS: String(logins),
      RESUMES: String(resumes),
      SLOW: String(slow),
    },
  });
  await others.next((line) => (line.startsWith('{"ready"') ? true : null));
  return others;
}
