import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { faultsOf, parseYaml } from '../runtime/files/parse-yaml.ts';
import { mappingSchema, type MappingSpec } from './mapping-options.ts';
import type { ParkSource } from './freeswitch/freeswitch-names.ts';

/** The part of a source's file that decides how events are mapped. */
export interface MappingFile {
  readonly mapping: MappingSpec;
  readonly park: ParkSource;
  /** Name of the first endpoint; null when the file names none. */
  readonly endpoint: string | null;
  /** Whether accounts come from a directory as well: its realms are not in this file. */
  readonly fromDirectory: boolean;
}

const endpointName = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a name of a-z, 0-9 and -');
const elsewhere = z.unknown().optional();

/** `source.yaml`, or the spec of a FirehoseSource; what has nothing to do with mapping is ignored. */
const sourceSchema = z.strictObject({
  ...mappingSchema,
  accounts: mappingSchema.accounts
    .unwrap()
    .extend({ fromDirectory: z.boolean().default(false) })
    .prefault({}),
  freeswitch: z.looseObject({ park: z.enum(['Valet', 'Application', 'None']).default('Valet') }).optional(),
  asterisk: z.looseObject({ endpoints: z.array(z.looseObject({ name: endpointName })).default([]) }).optional(),
  kazoo: elsewhere,
  simulator: elsewhere,
  redis: elsewhere,
  stream: elsewhere,
  suspend: elsewhere,
  replicas: elsewhere,
});

const manifestSchema = z.looseObject({ kind: z.literal('FirehoseSource'), spec: z.unknown() });

/** Reads the file; all faults at once. */
export async function readMappingFile(
  path: string,
): Promise<
  | { readonly value: MappingFile; readonly faults: readonly [] }
  | { readonly value: null; readonly faults: readonly string[] }
> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return { value: null, faults: [`${path}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`] };
  }
  const document = parseYaml(text, path, z.unknown());
  if (document.faults.length > 0) return { value: null, faults: document.faults };
  const manifest = manifestSchema.safeParse(document.value);
  const parsed = sourceSchema.safeParse((manifest.success ? manifest.data.spec : document.value) ?? {});
  if (!parsed.success) return { value: null, faults: faultsOf(parsed.error, path) };
  const { accounts, channelVariables, privacy, lostCalls, freeswitch, asterisk } = parsed.data;
  return {
    value: {
      mapping: { accounts, channelVariables, privacy, lostCalls },
      park: freeswitch?.park ?? 'Valet',
      endpoint: asterisk?.endpoints[0]?.name ?? null,
      fromDirectory: accounts.fromDirectory,
    },
    faults: [],
  };
}
