import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { sourceKind, sourceTakesEffect, type SourceSpec } from '../../protocol/source.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { readSource, type FollowedConfig, type ReadSource, type SourcePlaces } from '../source-config.ts';

export interface FollowSourceOptions {
  readonly places: SourcePlaces;
  /** The configuration at the start. */
  readonly initial: ReadSource;
  /** An endpoint that did not change is the same object. */
  readonly onChange: (config: FollowedConfig) => void;
  readonly logger: Logger;
  /** Ends the loop. */
  readonly signal: AbortSignal;
  /** Milliseconds between two polls, default 1000; a change takes effect after two polls. */
  readonly intervalMs?: number;
}

/**
 * Follows the endpoints, their credentials and the rules of accounts. Any other change takes effect after a restart,
 * which is logged. A faulty file or Secret changes nothing.
 */
export async function followSource(options: FollowSourceOptions): Promise<void> {
  const { places, initial, onChange, logger, signal, intervalMs = 1_000 } = options;
  let inForce: FollowedConfig = initial;
  let [looked, settled] = ['', ''];
  while (!signal.aborted) {
    await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    const { value, faults } = await readSource(places);
    const seen = JSON.stringify(value ?? faults);
    const isSettled = seen === looked && seen !== settled;
    looked = seen;
    if (!isSettled) continue;
    settled = seen;
    if (value === null) {
      logger.error({ path: places.file, faults: faults.length }, `the source's file is refused\n${faults.join('\n')}`);
      continue;
    }
    const fields = changesThatRestart(initial, value);
    if (fields.length > 0) {
      logger.warn({ path: places.file, fields }, 'the source has changes that take effect after a restart');
    }
    if (sourceKind(value.spec) !== sourceKind(initial.spec)) continue;
    const next = withSameObjects(value, inForce);
    if (isDeepStrictEqual(next, { endpoints: inForce.endpoints, rules: inForce.rules })) continue;
    inForce = next;
    logger.info(
      { path: places.file, endpoints: next.endpoints.length },
      'the endpoints or rules of the source have changed',
    );
    onChange(next);
  }
}

function changesThatRestart(before: ReadSource, after: ReadSource): readonly string[] {
  const kinds = [before.spec, after.spec].map((spec: SourceSpec) => sourceKind(spec));
  return [
    ...(before.name === after.name ? [] : ['metadata']),
    ...(kinds[0] === kinds[1] ? [] : [`spec.${kinds[1] ?? ''}`]),
    ...sourceTakesEffect().changes(before.spec, after.spec, 'standalone'),
  ];
}

function withSameObjects({ endpoints, rules }: FollowedConfig, before: FollowedConfig): FollowedConfig {
  return {
    endpoints: endpoints.map((one) => before.endpoints.find((other) => isDeepStrictEqual(one, other)) ?? one),
    rules,
  };
}
