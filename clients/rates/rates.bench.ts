/**
 * `node clients/rates/rates.bench.ts --events 100000 --rounds 3`: events for each second of CPU, of each client and of
 * a bare one in its language. Prints a JSON line for each round: `{ language, client, bare }`.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { pythonProgram } from '../conformance/programs.ts';

const { values } = parseArgs({
  options: { events: { type: 'string', default: '100000' }, rounds: { type: 'string', default: '3' } },
});
const LIMIT_MS = 120_000;
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const run = promisify(execFile);

interface Program {
  readonly language: string;
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
}

async function rateOf(
  { command: [program, ...args], environment }: Program,
  how: string,
  port: string,
): Promise<number> {
  const options = { timeout: LIMIT_MS, env: { ...process.env, ...environment } };
  const { stdout } = await run(program, [...args, how, port], options);
  const { events, cpuMs } = JSON.parse(stdout) as { events: number; cpuMs: number };
  if (events !== Number(values.events)) throw new Error(`${how}: ${events} events of ${values.events}`);
  return Math.round((events / cpuMs) * 1_000);
}

const server = spawn(process.execPath, [at('./replay-server.ts'), values.events]);
const [port] = (await once(server.stdout, 'data')) as [Buffer];
try {
  const python = await pythonProgram();
  const programs: Program[] = [
    { language: 'TypeScript', command: [process.execPath, at('./consume.ts')] },
    {
      language: 'Python',
      command: [python.command[0], at('./consume.py')],
      ...(python.environment !== undefined && { environment: python.environment }),
    },
  ];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const program of programs) {
      const [client, bare] = [
        await rateOf(program, 'client', port.toString().trim()),
        await rateOf(program, 'bare', port.toString().trim()),
      ];
      console.log(JSON.stringify({ language: program.language, client, bare }));
    }
  }
} finally {
  server.kill();
}
