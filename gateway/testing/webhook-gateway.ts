import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ACCOUNT, SentResource, type SentOptions } from './sent-resource.ts';

export { ACCOUNT };

/** More than eight members: each test sets the few that it needs. */
export interface HookedOptions extends SentOptions {
  readonly receiver: { readonly url: string; readonly secret: string; readonly caFile: string | null };
  /** More of `consumerGroups[].webhook`. */
  readonly webhook?: object;
  /** Further groups with a webhook. */
  readonly more?: readonly {
    readonly group: { readonly name: string };
    readonly secret: string;
    readonly caFile: string | null;
  }[];
  /** Additions to the group. */
  readonly group?: object;
}

/** A resource with one group `crm` that has a webhook. */
export class HookedResource extends SentResource {
  readonly #options: HookedOptions;

  private constructor(folder: string, options: HookedOptions) {
    super(folder, options);
    this.#options = options;
  }

  static async create(options: HookedOptions): Promise<HookedResource> {
    const resource = new HookedResource(await SentResource.makeFolder(), options);
    const { folder } = resource;
    await mkdir(join(folder, 'webhooks'));
    const others = (options.more ?? []).map(({ group, ...files }) => ({ name: group.name, ...files }));
    for (const { name, secret, caFile } of [{ name: 'crm', ...options.receiver }, ...others]) {
      await writeFile(join(folder, 'webhooks', `${name}.secret`), secret);
      if (caFile !== null) await copyFile(caFile, join(folder, 'webhooks', `${name}.ca.crt`));
    }
    await resource.declare(options.webhook ?? {});
    return resource;
  }

  /** Writes the resource with this webhook; gateways that start from now on have it. */
  async declare(webhook: object): Promise<void> {
    const { receiver, group, more = [] } = this.#options;
    const declared = { url: receiver.url, allowPrivateAddresses: true, ...webhook };
    await this.write([{ name: 'crm', account: ACCOUNT, webhook: declared, ...group }, ...more.map((one) => one.group)]);
  }
}

export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
