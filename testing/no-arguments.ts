import { parseArgs } from 'node:util';

/**
 * For a program whose only argument is `--help`: the exit code when it has nothing more to do, after a message; null
 * when it continues.
 */
export function answerArguments(args: readonly string[], usage: string): number | null {
  try {
    const { values } = parseArgs({ args: [...args], options: { help: { type: 'boolean', short: 'h' } } });
    if (values.help !== true) return null;
    console.log(usage);
    return 0;
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    return 2;
  }
}
