import { parseDocument } from 'yaml';
import type { z } from 'zod';

/** Parses a YAML file by its schema. */
export function parseYaml<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
): { readonly value: z.output<S>; readonly faults: readonly [] } | { readonly value: null; readonly faults: string[] } {
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    return { value: null, faults: document.errors.map((error) => `${file}: ${error.message.split('\n')[0] ?? ''}`) };
  }
  let content: unknown;
  try {
    content = document.toJS();
  } catch (error) {
    // Aliases that expand without end, or that name no anchor.
    if (!(error instanceof ReferenceError)) throw error;
    return { value: null, faults: [`${file}: its aliases cannot be followed (${error.message})`] };
  }
  const parsed = schema.safeParse(content);
  return parsed.success ? { value: parsed.data, faults: [] } : { value: null, faults: faultsOf(parsed.error, file) };
}

export function faultsOf(error: z.ZodError, source: string): string[] {
  return error.issues.map((issue) => `${source}: ${issue.path.join('.') || 'the document'}: ${issue.message}`);
}
