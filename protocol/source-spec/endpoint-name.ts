import { z } from 'zod';

/** Name of one switch within its source: a part of keys, reports and metrics. */
export const endpointName = () =>
  z
    .string()
    .min(1)
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'a name of a-z, 0-9 and -, at most 63 characters');
