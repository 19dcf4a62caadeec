import { randomBytes } from 'node:crypto';
import { silentLogger, type Logger } from '../../runtime/logging/logger.ts';
import { buildOperator, type Operator, type OperatorTimings } from '../build.ts';
import { readConfig } from '../config.ts';
import { openConnection } from '../kubernetes/connection.ts';
import { SYSTEM, type Platform } from './platform.ts';

export const IMAGE = 'registry.example.com/firehose:test';

/** Shortened times: minutes in a cluster are seconds here. */
export const HURRY: OperatorTimings = {
  informer: { silenceMs: 90_000, maxBackoffMs: 1_000 },
  // Except the lease: a busy machine would lose it in a test of something else.
  lease: { leaseMs: 150_000, deadlineMs: 120_000, renewMs: 1_000 },
  reconcile: { refreshMs: 2_000, retryMs: 500, leftoverMs: 300, deletionLimitMs: 5_000 },
  backoff: { baseMs: 50, maxMs: 1_000 },
  lookAgainMs: 500,
};

/** For a test whose operator must lose its lease soon. */
export const SHORT_LEASE = { leaseMs: 3_000, deadlineMs: 2_000, renewMs: 300 };

/** A platform that allows its resources everything: for tests of other topics. */
export const ALLOW_ALL = Object.fromEntries(
  [
    'IMAGES',
    'ANNOTATION_PREFIXES',
    'LABEL_PREFIXES',
    'HOST_SUFFIXES',
    'ISSUERS',
    'PRIORITY_CLASSES',
    'SERVICE_TYPES',
    'LOAD_BALANCER_CLASSES',
    'PRIVATE_WEBHOOK_HOSTS',
  ].map((list) => [`FIREHOSE_ALLOW_${list}`, '*']),
);

export interface RunOptions {
  readonly kubeconfig?: string;
  readonly timings?: OperatorTimings;
  readonly environment?: Readonly<Record<string, string>>;
  readonly logger?: Logger;
  readonly now?: () => number;
}

/** An operator in this process, as its service account, over all namespaces. */
export async function runOperator(platform: Platform, options: RunOptions = {}): Promise<Operator> {
  const config = readConfig(
    {
      FIREHOSE_GATEWAY_IMAGE: IMAGE,
      FIREHOSE_WATCH_NAMESPACES: '*',
      FIREHOSE_NAMESPACE: SYSTEM,
      FIREHOSE_OPERATOR_HOST: '127.0.0.1',
      FIREHOSE_OPERATOR_PORT: '0',
      ...options.environment,
    },
    randomBytes(4).toString('hex'),
  );
  return buildOperator({
    config,
    connection: openConnection(options.kubeconfig ?? (await platform.operatorKubeconfig())),
    logger: options.logger ?? silentLogger,
    timings: { ...HURRY, ...options.timings },
    ...(options.now !== undefined && { now: options.now }),
  });
}
