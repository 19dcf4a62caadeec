import { FirehoseError } from '../../clients/typescript/src/index.ts';
import { CLOSE_MEANINGS } from '../../protocol/close-meaning.ts';
import { problemMeaning } from '../../protocol/problem-code.ts';
import { answering, CommandFault } from '../administration.ts';
import type { Terminal } from '../terminal.ts';

/** Codes of the client whose texts fully explain the fault of the command. */
const USAGE: ReadonlySet<string> = new Set(['invalid_option', 'cursor_store']);

/** Runs a command on the client. On an error, prints why it failed and what to do. Returns the exit code. */
export function onClient(terminal: Terminal, run: () => Promise<void>): Promise<number> {
  return answering(terminal, async () => {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof FirehoseError)) throw error;
      throw faultOf(error);
    }
  });
}

/** Pure. */
function faultOf({ code, message, reason }: FirehoseError): CommandFault {
  const remedy = reason === null ? undefined : remedyOf(reason);
  const lines = remedy === undefined ? message : `${message}\n${remedy}`;
  if (USAGE.has(code)) return new CommandFault('usage', lines);
  return new CommandFault(code === 'untrusted_certificate' ? 'unreachable' : 'refused', lines);
}

function remedyOf(reason: string): string | undefined {
  const meaning =
    problemMeaning(reason) ??
    (Object.hasOwn(CLOSE_MEANINGS, reason) ? CLOSE_MEANINGS[reason as keyof typeof CLOSE_MEANINGS] : undefined);
  return meaning === undefined ? undefined : `${meaning.cause}: ${meaning.remedy}`;
}
