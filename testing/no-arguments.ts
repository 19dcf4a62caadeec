import { parseArgs } from 'node:util';

/**
 * For a program whose only argument is `--help`: its exit code where it has nothing more to do, having said why; null
 * where it is to continue.
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
