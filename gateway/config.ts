import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { subscriptionSchema, type Subscription } from '../protocol/subscription.ts';
import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';

/** The settings of one gateway process: what the environment says, and the subscription it serves. */
export interface GatewayConfig {
  readonly subscription: Subscription;
  /** Nothing was configured: the example account and user of the quickstart are served. */
  readonly isQuickstart: boolean;
  readonly directoryFile: string;
  readonly stateFolder: string;
  readonly redisUrl: string | null;
  readonly host: string;
  readonly port: number;
  readonly innerHost: string;
  readonly innerPort: number;
  /** Calls a second; 0 is off. */
  readonly simulatorRate: number;
  readonly logBytes: number;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const QUICKSTART = fileURLToPath(new URL('quickstart/', import.meta.url));
const MEBIBYTE = 1024 * 1024;

const port = (byDefault: number) => z.coerce.number('a port number').int().min(0).max(65_535).default(byDefault);

const settings = z.object({
  FIREHOSE_CONFIG: z.string().min(1).default(QUICKSTART),
  FIREHOSE_STATE: z.string().min(1).default('.firehose'),
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'a URL as redis://host:6379 or rediss://host:6379' }).optional(),
  FIREHOSE_HOST: z.string().min(1).default('::'),
  FIREHOSE_PORT: port(9443),
  FIREHOSE_INNER_HOST: z.string().min(1).default('127.0.0.1'),
  FIREHOSE_INNER_PORT: port(9090),
  FIREHOSE_SIMULATOR_RATE: z.coerce.number('calls a second').min(0).max(10_000).optional(),
  FIREHOSE_LOG_BYTES: z.coerce
    .number('bytes')
    .int()
    .min(MEBIBYTE)
    .max(64 * 1024 * MEBIBYTE)
    .default(64 * MEBIBYTE),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `one of ${LOG_LEVELS.join(', ')}` }).default('info'),
});

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads everything a gateway needs to start; throws one ConfigurationFault that lists every fault. */
export async function readConfig(environment: Environment): Promise<GatewayConfig> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = settings.safeParse(given);
  const folder = parsed.data?.FIREHOSE_CONFIG ?? given['FIREHOSE_CONFIG'] ?? QUICKSTART;
  const subscription = await readSubscription(join(folder, 'subscription.yaml'));
  const faults = [...(parsed.success ? [] : faultsOf(parsed.error, 'environment')), ...subscription.faults];
  if (!parsed.success || subscription.value === null || faults.length > 0) throw new ConfigurationFault(faults);
  const { data } = parsed;
  return {
    subscription: subscription.value,
    isQuickstart: folder === QUICKSTART,
    directoryFile: join(folder, 'directory.yaml'),
    stateFolder: data.FIREHOSE_STATE,
    redisUrl: data.REDIS_URL ?? null,
    host: data.FIREHOSE_HOST,
    port: data.FIREHOSE_PORT,
    innerHost: data.FIREHOSE_INNER_HOST,
    innerPort: data.FIREHOSE_INNER_PORT,
    // With Redis the platform has its own producers.
    simulatorRate: data.FIREHOSE_SIMULATOR_RATE ?? (data.REDIS_URL === undefined ? 2 : 0),
    logBytes: data.FIREHOSE_LOG_BYTES,
  };
}

async function readSubscription(file: string): Promise<{ value: Subscription | null; faults: string[] }> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return { value: null, faults: [`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`] };
  }
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    return { value: null, faults: document.errors.map((error) => `${file}: ${error.message.split('\n')[0] ?? ''}`) };
  }
  const parsed = subscriptionSchema.safeParse(document.toJS());
  return parsed.success ? { value: parsed.data, faults: [] } : { value: null, faults: faultsOf(parsed.error, file) };
}

function faultsOf(error: z.ZodError, source: string): string[] {
  return error.issues.map((issue) => `${source}: ${issue.path.join('.') || 'the document'}: ${issue.message}`);
}
