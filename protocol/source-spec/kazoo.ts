import { z } from 'zod';
import { eventNames } from '../subscription/filters.ts';
import { busFields } from './bus.ts';

const { brokers, exchange, queue, prefetch } = busFields('kazoo', 'callevt');

/** Kazoo's message bus. */
export const kazoo = z.strictObject({
  brokers,
  exchange,
  /** Creates the exchange as Kazoo does; the user needs the right to configure it. */
  declareExchange: z.boolean().default(false),
  queue,
  prefetch,
  /** Consumed event names beyond the catalogue. */
  additionalEvents: eventNames.default([]),
});
