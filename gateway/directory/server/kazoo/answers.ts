import { z } from 'zod';
import { ACCOUNT_ID } from '../../../../protocol/subscription/filters.ts';

/** The parts of answers of Kazoo's API (crossbar, `/v2`) that are used. */

const id = z.string().regex(ACCOUNT_ID);
const label = z
  .string()
  .max(256)
  .optional()
  .transform((value) => (value === undefined || value.trim() === '' ? null : value));

/** `PUT /v2/api_auth` (cb_api_auth). */
export const authSchema = z.object({ auth_token: z.string().min(1), data: z.object({ account_id: id }) });

/** One row of `GET /v2/accounts/{id}/descendants`; `tree` is from the topmost ancestor to the parent. */
const rowSchema = z.object({ id, name: label, realm: label, tree: z.array(z.string()).min(1) });
export type AccountRow = z.output<typeof rowSchema>;

/** A page of it; without `next_start_key` it is the last one. The key is opaque (Kazoo 4.2 and newer). */
export const pageSchema = z.object({ data: z.array(rowSchema), next_start_key: z.string().min(1).optional() });

/** `GET /v2/accounts/{id}`. */
export const documentSchema = z.object({
  data: z.object({ id, name: label, realm: label, enabled: z.boolean().default(true) }),
});
export type AccountDocument = z.output<typeof documentSchema>['data'];

/** `GET /v2/accounts/{id}/tree`: its ancestors, as far as the API key's account may see them. */
export const treeSchema = z.object({ data: z.array(z.object({ id })) });
