import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { z } from 'zod';
import { MOST_NAMES, type newOwnWebhook, type ownWebhookChange } from '../../protocol/own-webhook.ts';
import { receiverPort } from '../../protocol/subscription/webhooks.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { isRefusedAddress, isRefusedPort, type AddressPolicy } from '../../runtime/net/address-guard.ts';
import type { Grant, VerifiedToken } from '../auth/grant.ts';
import type { Groups } from '../group/groups.ts';
import type { Problem } from '../http/problem.ts';
import type { Narrowed } from '../session/narrow.ts';
import type { OwnWebhooks } from './own-webhooks.ts';
import { covers, encodeRecord, groupOf, tokenOf, vouchedBy, type OwnRecord, type OwnWebhook } from './record.ts';
import {
  addressRefused,
  BEYOND_GRANT,
  notGranted,
  STOPPED,
  tooMany,
  tooManyNames,
  unavailable,
  UNKNOWN,
} from './refusals.ts';
import type { OwnWebhookStore, Quota } from './store.ts';

export interface ManageParts {
  readonly own: Pick<OwnWebhooks, 'abandon' | 'find' | 'refresh' | 'running' | 'seal'>;
  readonly store: OwnWebhookStore;
  readonly quota: Quota;
  readonly policy: AddressPolicy;
  readonly groups: Pick<Groups, 'createOwn'>;
  readonly narrow: (grant: Grant, filter: Pick<OwnRecord, 'accounts' | 'events'>) => Narrowed;
  /** The privacy profiles that apply to a token now. */
  readonly profilesOf: (token: VerifiedToken) => readonly string[];
  readonly logger: Logger;
}

type Managed<T> = T | { readonly problem: Problem };
interface WithSecret {
  readonly webhook: OwnWebhook;
  /** Shown once. */
  readonly secret: string;
}

const ID_BYTES = 18;
const SECRET_BYTES = 32;
/** A change begins again when another one came first: at most so often. */
const TRIES = 3;

/**
 * What logins do with the webhooks of their account. Each method rejects with the client's error of Redis. A webhook
 * that gets more than the token grants is not touched.
 */
export class OwnWebhookManager {
  readonly #parts: ManageParts;

  constructor(parts: ManageParts) {
    this.#parts = parts;
  }

  async create(token: VerifiedToken, body: z.output<typeof newOwnWebhook>): Promise<Managed<WithSecret>> {
    const { own, store, quota, groups } = this.#parts;
    const { accounts, events, ...rest } = body;
    const scope = this.#scopeOf(token, { accounts, events });
    if ('problem' in scope) return scope;
    const refused = this.#judgeAddress(body.url);
    if (refused !== null) return { problem: refused };
    const of = { account: token.grant.account, id: `wh_${randomBytes(ID_BYTES).toString('base64url')}` };
    const secret = newSecret();
    const now = Date.now();
    const record: OwnRecord = {
      v: 1,
      ...rest,
      ...vouchedBy(token, scope.grant),
      off: null,
      createdAt: now,
      changedAt: now,
      secret: own.seal(of, secret),
      sealedAt: now,
      previous: null,
    };
    const webhook = { ...of, record, text: encodeRecord(record) };
    try {
      const created = await store.create(webhook, quota);
      if (created === 'abandoned') return { problem: unavailable('its creation was given up') };
      if (created !== 'created') return { problem: tooMany(created, quota) };
      await own.refresh();
      // From now on it gets every event, whenever a replica first sends one.
      await groups.createOwn(groupOf(webhook));
    } catch (error) {
      // Redis may have it nevertheless, with a secret that no login knows.
      await own.abandon(of);
      throw error;
    }
    this.#audit('created', token, webhook);
    return { webhook, secret };
  }

  async change(
    token: VerifiedToken,
    id: string,
    body: z.output<typeof ownWebhookChange>,
  ): Promise<Managed<{ readonly webhook: OwnWebhook }>> {
    const { accounts, events, enabled, url, description, format } = body;
    const refused = url === undefined ? null : this.#judgeAddress(url);
    if (refused !== null) return { problem: refused };
    const changed = await this.#changing(token, id, 'changed', (before) => {
      const { record } = before;
      const isStopped = record.off === 'operator';
      if (isStopped && enabled === true) return { problem: STOPPED };
      // A login that only stops it vouches for nothing.
      if (isOnlyStop(body)) return { ...record, off: isStopped ? 'operator' : 'owner', changedAt: Date.now() };
      const asked = {
        accounts: accounts === undefined ? record.accounts : accounts,
        events: events === undefined ? record.events : events,
      };
      const scope = this.#scopeOf(token, asked);
      if ('problem' in scope) return scope;
      return {
        ...record,
        ...(url !== undefined && { url }),
        ...(description !== undefined && { description }),
        ...(format !== undefined && { format }),
        ...vouchedBy(url === undefined ? this.#hiding(token, before) : token, scope.grant),
        off: isStopped || enabled === undefined ? record.off : enabled ? null : 'owner',
        changedAt: Date.now(),
      };
    });
    // This also ends the state `off` that its receiver or its failures caused.
    if (!('problem' in changed) && enabled === true) await this.#parts.own.running(id)?.enable();
    return changed;
  }

  async rotate(token: VerifiedToken, id: string, overlapMs: number): Promise<Managed<WithSecret>> {
    const secret = newSecret();
    const rotated = await this.#changing(token, id, 'has a new secret', ({ record, ...of }) => {
      const now = Date.now();
      const previous = overlapMs === 0 ? null : { secret: record.secret, until: now + overlapMs };
      return { ...record, secret: this.#parts.own.seal(of, secret), sealedAt: now, previous };
    });
    return 'problem' in rotated ? rotated : { ...rotated, secret };
  }

  async remove(token: VerifiedToken, id: string): Promise<Managed<{ readonly removed: true }>> {
    const { own, store } = this.#parts;
    const found = await this.#find(token, id);
    if ('problem' in found) return found;
    if (!(await store.remove(found.webhook))) return { problem: UNKNOWN };
    await own.refresh();
    this.#audit('deleted', token, found.webhook);
    return { removed: true };
  }

  /** Sends a test event, whatever the state. */
  async test(
    token: VerifiedToken,
    id: string,
  ): Promise<Managed<{ readonly id: string; readonly outcome: string; readonly ms: number }>> {
    const found = await this.#find(token, id);
    if ('problem' in found) return found;
    return (await this.#parts.own.running(id)?.test()) ?? { problem: unavailable('the webhook is starting') };
  }

  /** A webhook that this login may change. */
  async #find(token: VerifiedToken, id: string): Promise<Managed<{ readonly webhook: OwnWebhook }>> {
    const { own, profilesOf } = this.#parts;
    await own.refresh();
    const webhook = own.find({ account: token.grant.account, id });
    if (webhook === null) return { problem: UNKNOWN };
    const [asks, gets] = [token, tokenOf(webhook)].map((one) => ({ grant: one.grant, profiles: profilesOf(one) }));
    if (asks === undefined || gets === undefined || !covers(asks, gets)) return { problem: BEYOND_GRANT };
    return { webhook };
  }

  async #changing(
    token: VerifiedToken,
    id: string,
    what: string,
    change: (before: OwnWebhook) => Managed<OwnRecord>,
  ): Promise<Managed<{ readonly webhook: OwnWebhook }>> {
    const { own, store } = this.#parts;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const found = await this.#find(token, id);
      if ('problem' in found) return found;
      const record = change(found.webhook);
      if ('problem' in record) return record;
      const webhook = { ...found.webhook, record, text: encodeRecord(record) };
      const outcome = await store.change(found.webhook, webhook.text);
      if (outcome === 'gone') return { problem: UNKNOWN };
      if (outcome === 'differs') continue;
      await own.refresh();
      this.#audit(what, token, webhook);
      return { webhook };
    }
    return { problem: unavailable('others are changing it') };
  }

  /** The token with the profiles of the former login added: a change without `url` shows the receiver nothing more. */
  #hiding(token: VerifiedToken, before: OwnWebhook): VerifiedToken {
    const { profilesOf } = this.#parts;
    const privacy = [...new Set([...profilesOf(tokenOf(before)), ...profilesOf(token)])];
    return privacy.length === 0 ? token : { ...token, grant: { ...token.grant, privacy } };
  }

  #scopeOf(token: VerifiedToken, asked: Pick<OwnRecord, 'accounts' | 'events'>): Managed<{ readonly grant: Grant }> {
    const narrowed = this.#parts.narrow(token.grant, asked);
    if (!narrowed.ok) return { problem: notGranted(narrowed) };
    const { grant } = narrowed;
    for (const field of ['accounts', 'events'] as const)
      if ((grant[field]?.length ?? 0) > MOST_NAMES) return { problem: tooManyNames(field, MOST_NAMES) };
    return { grant };
  }

  /** What can be said without DNS; each connection is judged again. */
  #judgeAddress(url: string): Problem | null {
    const { policy } = this.#parts;
    if (isRefusedPort(receiverPort(url), policy))
      return addressRefused(`The port must be one of ${policy.ports?.join(', ') ?? 'all'}.`);
    const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
    const isRefused = isIP(host) !== 0 && isRefusedAddress(host, policy);
    return isRefused ? addressRefused('The address is not on the public internet.') : null;
  }

  #audit(what: string, { id: token }: VerifiedToken, { account, id, record }: OwnWebhook): void {
    const { host } = new URL(record.url);
    this.#parts.logger.info({ account, token, webhook: id, host }, `a self-service webhook: ${what}`);
  }
}

function isOnlyStop({ enabled, ...others }: z.output<typeof ownWebhookChange>): boolean {
  return enabled === false && Object.keys(others).length === 0;
}

function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}
