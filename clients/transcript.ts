/** A transcript of a terminal: commands, and their output. */
export interface Transcript {
  /** Script for bash: every command but the last. */
  readonly before: string;
  /** The last command, which prints until it is ended. */
  readonly last: string;
  /** The printed lines in order, with anything between them. Numbers match any number, ids any id. */
  readonly output: RegExp;
}

/**
 * Reads a block whose commands begin with `$ ` and continue with `> `; `^C` and `...` are not part of the output. Pure.
 */
export function readTranscript(block: string): Transcript {
  const lines = block.split('\n').filter((line) => line !== '');
  const commands: string[] = [];
  for (const line of lines) {
    if (line.startsWith('$ ')) commands.push(line.slice(2));
    else if (/^>( |$)/.test(line)) commands.push(`${commands.pop() ?? ''}\n${line.slice(2)}`);
  }
  const printed = lines.filter((line) => !/^([$>]( |$)|\^C|\.\.\.$)/.test(line));
  return {
    before: commands.slice(0, -1).join('\n'),
    last: commands.at(-1) ?? '',
    output: new RegExp(printed.map(anyOf).join('[^]*\\n'), 'm'),
  };
}

function anyOf(line: string): string {
  const escaped = line.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const anyId = escaped.replaceAll(/\b(account_id_\d+|[0-9a-f]{24,32}(?:-\d+)?)\b/g, String.raw`[\w-]+`);
  return anyId.replaceAll(/(?<![a-z\d-])\d+/g, String.raw`\d+`);
}
