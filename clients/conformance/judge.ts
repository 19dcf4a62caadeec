import type { AdapterProgram } from './adapter.ts';
import type { Case } from './case.ts';
import { openTheatre, type Theatre } from './stage.ts';

export interface Verdict {
  readonly name: string;
  readonly rules: readonly string[];
  readonly outcome: 'passed' | 'failed' | 'passed over';
  /** Why it failed, or what the platform lacks. */
  readonly why: string;
  readonly milliseconds: number;
}

const LIMIT_MS = 120_000;
/** Secret in the login of each case: no output of a client may contain it. */
const SECRET = /adminpassword|eyJ[\w-]{20,}/;

export interface Judging {
  readonly program: AdapterProgram;
  readonly cases: readonly Case[];
  /** Number of concurrent cases. */
  readonly beside: number;
  readonly report: (verdict: Verdict) => void;
  /** Limit for a case, in milliseconds. */
  readonly limitMs?: number;
}

/** Runs the cases against one client. Resolves with a verdict for each, in the order of the cases. */
export async function judge({
  program,
  cases,
  beside,
  report,
  limitMs = LIMIT_MS,
}: Judging): Promise<readonly Verdict[]> {
  await using theatre = await openTheatre(cases.length);
  const verdicts: Verdict[] = [];
  let next = 0;
  const work = async () => {
    for (let n = next++; n < cases.length; n = next++) {
      const one = cases[n] as Case;
      const verdict = await judgeCase(one, { n, program, theatre, limitMs });
      verdicts[n] = verdict;
      report(verdict);
    }
  };
  await Promise.all(Array.from({ length: beside }, work));
  return verdicts;
}

interface Place {
  readonly n: number;
  readonly program: AdapterProgram;
  readonly theatre: Theatre;
  readonly limitMs: number;
}

async function judgeCase({ name, rules, needs, run }: Case, { n, program, theatre, limitMs }: Place): Promise<Verdict> {
  const begun = performance.now();
  const verdict = (outcome: Verdict['outcome'], why = ''): Verdict => ({
    name,
    rules,
    outcome,
    why,
    milliseconds: Math.round(performance.now() - begun),
  });
  await using stage = await theatre.stage(n, program);
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new Error('took too long')), limitMs);
  try {
    await Promise.race([run(stage), limit.promise]);
    const leaks = stage.adapters.some(({ shown }) => SECRET.test(shown));
    return leaks ? verdict('failed', 'a password or a token is in what it shows (L10)') : verdict('passed');
  } catch (error) {
    const cannot = stage.adapters.flatMap((adapter) => adapter.of('adapter').flatMap((said) => said.cannot ?? []));
    if (needs !== undefined && cannot.includes(needs)) return verdict('passed over', `its platform cannot: ${needs}`);
    return verdict('failed', (error as Error).message);
  } finally {
    clearTimeout(timer);
  }
}
