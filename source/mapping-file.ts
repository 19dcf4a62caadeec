import { z } from 'zod';
import { sourceSpecSchema } from '../protocol/source.ts';
import { endpointName } from '../protocol/source-spec/endpoint-name.ts';
import { mappingFields, type MappingSpec } from '../protocol/source-spec/mapping.ts';
import { freeswitch } from '../protocol/source-spec/switches.ts';
import { faultsOf, parseYaml } from '../runtime/files/parse-yaml.ts';
import type { ParkSource } from './freeswitch/freeswitch-names.ts';
import { readText, unreadable } from '../runtime/files/text-file.ts';

/** The part of a source's file that decides how events are mapped. */
export interface MappingFile {
  readonly mapping: MappingSpec;
  readonly park: ParkSource;
  /** Name of the first endpoint; null when the file has none. */
  readonly endpoint: string | null;
  /** Whether accounts also come from a directory: its realms are not in this file. */
  readonly fromDirectory: boolean;
}

const elsewhere = z.unknown().optional();

/** The fields that affect mapping, as in a whole source; other fields may be present, and are ignored. */
const sourceSchema = z.strictObject({
  ...Object.fromEntries(Object.keys(sourceSpecSchema.shape).map((name) => [name, elsewhere])),
  ...mappingFields,
  freeswitch: z.looseObject({ park: freeswitch.shape.park }).optional(),
  asterisk: z.looseObject({ endpoints: z.array(z.looseObject({ name: endpointName() })).default([]) }).optional(),
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
    text = await readText(path);
  } catch (error) {
    return { value: null, faults: [`${path}: ${unreadable(error)}`] };
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
