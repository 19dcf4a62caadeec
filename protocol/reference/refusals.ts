import { PROBLEMS, problemMeaning, type ProblemCode, type ProblemMeaning } from '../problem-code.ts';

interface Refused {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: object }>>;
}

type Section = keyof typeof PROBLEMS;

/** The refusals of an operation, one response a status, with the codes that it may have: of sections, and single ones. */
export function refusals(
  sections: readonly Section[],
  single: readonly ProblemCode[] = [],
): Readonly<Record<string, Refused>> {
  const bySection = [...sections, 'any request' as const].flatMap((section) =>
    Object.entries<ProblemMeaning>(PROBLEMS[section]),
  );
  const codes = [...single.map((code) => [code, problemMeaning(code)] as const), ...bySection];
  const statuses = new Set(codes.flatMap(([, meaning]) => meaning?.status ?? []));
  return Object.fromEntries(
    [...statuses]
      .toSorted((a, b) => a - b)
      .map((status) => [
        String(status),
        {
          description: codes
            .flatMap(([code, meaning]) => (meaning?.status.includes(status) ? [`\`${code}\`: ${meaning.cause}`] : []))
            .join('\n\n'),
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/problem' } } },
        },
      ]),
  );
}
