import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Problem } from '../http/problem.ts';
import { readBody } from '../http/read-body.ts';
import { encodedBody, tooLargeBody } from '../http/refuse-unread.ts';

export type ReadRequest<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'refused'; readonly problem: Problem }
  /** The client has gone: no answer is possible. */
  | { readonly kind: 'gone' };

/** A token is at most 8 KB. */
export const MAX_BODY_BYTES = 16 * 1024;

/**
 * Reads a JSON body by a strict schema; `expected` tells the client what is accepted. An error repeats no part of the
 * body, which may contain a token, even as a key.
 */
export async function readJson<T>(
  request: IncomingMessage,
  schema: z.ZodType<T>,
  expected: string,
): Promise<ReadRequest<T>> {
  const encoded = encodedBody(request);
  if (encoded !== null) return { kind: 'refused', problem: encoded };
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body.kind === 'gone') return body;
  if (body.kind === 'too_large') return { kind: 'refused', problem: tooLargeBody(MAX_BODY_BYTES) };
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body.bytes));
  } catch {
    return { kind: 'refused', problem: { status: 400, code: 'not_json', detail: `The body is not JSON. ${expected}` } };
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return { kind: 'read', value: parsed.data };
  return { kind: 'refused', problem: { status: 400, code: 'invalid_request', detail: expected } };
}

const MOST_A_PAGE = 1_000;
/** Default and maximum of `limit` of a list. */
export const limitSchema = z
  .string()
  .regex(/^[1-9]\d{0,3}$/)
  .transform(Number)
  .pipe(z.number().max(MOST_A_PAGE))
  .default(100);

const page = z.strictObject({
  limit: limitSchema,
  after: z
    .string()
    .regex(/^\d{1,16}$/)
    .transform(Number)
    .pipe(z.int())
    .optional(),
});

export type PageRequest = z.output<typeof page>;

/** `?limit=` (1 to 1,000) and `?after=` (the `next` of the previous page), and nothing else. */
export function readPage(query: unknown): { readonly page: PageRequest } | { readonly problem: Problem } {
  const parsed = page.safeParse(query);
  if (parsed.success) return { page: parsed.data };
  const detail = `The query takes limit, from 1 to ${MOST_A_PAGE}, and after, the 'next' of the page before.`;
  return { problem: { status: 400, code: 'invalid_query', detail } };
}
