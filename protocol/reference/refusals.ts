import { PROBLEMS, type ProblemMeaning } from '../problem-code.ts';
import type { JsonSchema } from './schemas.ts';

const ANY = Object.values<ProblemMeaning>(PROBLEMS['any request']);

/** One response a status, with the codes that it may have. */
export function refusals(sections: readonly (keyof typeof PROBLEMS)[]): Record<string, JsonSchema> {
  const codes = sections.flatMap((section) => Object.entries<ProblemMeaning>(PROBLEMS[section]));
  const statuses = new Set([...codes.flatMap(([, { status }]) => status), ...ANY.flatMap(({ status }) => status)]);
  const described = [...codes, ...Object.entries<ProblemMeaning>(PROBLEMS['any request'])];
  return Object.fromEntries(
    [...statuses]
      .toSorted((a, b) => a - b)
      .map((status) => [
        String(status),
        {
          description: described
            .filter(([, meaning]) => meaning.status.includes(status))
            .map(([code, { cause }]) => `\`${code}\`: ${cause}`)
            .join('\n\n'),
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/problem' } } },
        },
      ]),
  );
}
