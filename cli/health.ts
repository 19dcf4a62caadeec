import { healthAnswerSchema } from '../protocol/administration.ts';
import { HEALTH_PATH } from '../protocol/paths.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { listing, type ListFlags } from './administration.ts';
import { asText } from './doctor/finding.ts';
import type { Terminal } from './terminal.ts';

/** Prints a running gateway's findings about itself and the other replicas. Returns the exit code. */
export function healthCommand(flags: ListFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return listing(
    flags,
    { terminal, environment },
    (ask) => ask(HEALTH_PATH, healthAnswerSchema),
    ({ findings }) => asText(findings),
  );
}
