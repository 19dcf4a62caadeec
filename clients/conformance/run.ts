/**
 * `npm run conformance`: both clients of this repository; `-- --adapter 'program argument'`: a client of any language
 * by its adapter. Further words are parts of the names of cases. Exits with 1 when a case fails.
 */
import { parseArgs } from 'node:util';
import type { AdapterProgram } from './adapter.ts';
import { CASES } from './cases/all.ts';
import { judge, type Verdict } from './judge.ts';
import { pythonProgram, TYPESCRIPT } from './programs.ts';

const BESIDE = 4;
const { values, positionals } = parseArgs({ options: { adapter: { type: 'string' } }, allowPositionals: true });
const cases = CASES.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));

function report({ name, rules, outcome, why, milliseconds }: Verdict): void {
  const mark = outcome === 'passed' ? 'ok' : outcome;
  console.log(
    `${mark.padEnd(11)} ${name} [${rules.join(' ')}] ${milliseconds} ms${why === '' ? '' : `\n            ${why}`}`,
  );
}

async function run(program: AdapterProgram): Promise<boolean> {
  console.log(`# ${program.name}`);
  const verdicts = await judge({ program, cases, beside: BESIDE, report });
  const failed = verdicts.filter(({ outcome }) => outcome === 'failed').length;
  console.log(`${verdicts.length} cases, ${failed} failed\n`);
  return failed === 0;
}

const [program, ...args] = values.adapter?.split(' ') ?? [];
let passed: boolean;
if (program !== undefined) passed = await run({ name: values.adapter ?? '', command: [program, ...args] });
else {
  passed = await run(TYPESCRIPT);
  const python = await pythonProgram();
  passed = (await run(python)) && passed;
}
process.exitCode = passed ? 0 : 1;
