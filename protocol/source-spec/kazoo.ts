import { z } from 'zod';
import { eventNames } from '../subscription/filters.ts';
import { busFields } from './bus.ts';

const { brokers, exchange, queue, prefetch } = busFields('kazoo', 'callevt');

/** Kazoo's message bus. */
export const kazoo = z.strictObject({
  brokers,
  exchange,
  /** Makes the exchange as Kazoo does, which needs the right to configure it. */
  declareExchange: z.boolean().default(false),
  queue,
  prefetch,
  /** Event names beyond the catalogue that are taken. */
  additionalEvents: eventNames.default([]),
});
