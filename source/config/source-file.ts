import { z } from 'zod';
import { sourceSchema, sourceSpecSchema, type SourceSpec } from '../../protocol/source.ts';
import { faultsOf, parseYaml } from '../../runtime/files/parse-yaml.ts';

interface SourceFile {
  /** `<namespace>/<name>`. */
  readonly name: string;
  readonly spec: SourceSpec;
}

type Parsed =
  | { readonly value: SourceFile; readonly faults: readonly [] }
  | { readonly value: null; readonly faults: readonly string[] };

/**
 * Reads `source.yaml`: a FirehoseSource, or its `spec` alone, which then gets the name `bareName`. Reports every fault
 * at once; `path` is for the messages.
 */
export function parseSource(text: string, path: string, bareName: string): Parsed {
  const document = parseYaml(text, path, z.unknown());
  if (document.faults.length > 0) return { value: null, faults: document.faults };
  const content = document.value ?? {};
  const isManifest = typeof content === 'object' && ('kind' in content || 'apiVersion' in content);
  if (isManifest) {
    const parsed = sourceSchema.safeParse(content);
    if (!parsed.success) return { value: null, faults: faultsOf(parsed.error, path) };
    const { metadata, spec } = parsed.data;
    return { value: { name: `${metadata.namespace}/${metadata.name}`, spec }, faults: [] };
  }
  const parsed = sourceSpecSchema.safeParse(content);
  if (!parsed.success) return { value: null, faults: faultsOf(parsed.error, path) };
  return { value: { name: bareName, spec: parsed.data }, faults: [] };
}
