import { createHash } from 'node:crypto';
import { REGISTER_LUA } from '../../event-log/provisioning/account-groups.ts';
import { accountsOfGroup } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import type { Grant } from '../auth/grant.ts';
import { viewKey } from '../fanout/view.ts';

/** A removed group is created again only after this time: by then the replica that removes it has finished. */
const REMOVED_WITHIN_MS = 10_000;
/** Rows of removed groups that are kept, so that their accounts get the gap when they return. */
const GONE_ROWS = 1_000;

/**
 * Defines `live(except)`: how many replicas have connections of the group now, without `except`. KEYS[3] is a hash of
 * replica to the time until which its claim holds.
 */
const LIVE_LUA = `
local function live(except)
  local count = 0
  local held = redis.call('HGETALL', KEYS[3])
  for i = 1, #held, 2 do
    if tonumber(held[i + 1]) < now then redis.call('HDEL', KEYS[3], held[i])
    elseif held[i] ~= except then count = count + 1 end
  end
  return count
end
local function claim(replica, ttl)
  redis.call('HSET', KEYS[3], replica, string.format('%.0f', now + ttl))
  redis.call('PEXPIRE', KEYS[3], ttl)
end
`;

/**
 * KEYS: register, grant, members. ARGV: account, replica, digest, grant, time to live of the claim, most accounts (0: no
 * limit), 1 to take the group over, 1 when this replica has no connections of the group.
 */
const ADMIT = defineScript(`${REGISTER_LUA}${LIVE_LUA}
local row = row_of(ARGV[1])
local how = 'joined'
if row and row.gone then
  if now - row.gone < ${REMOVED_WITHIN_MS} then return { 'removing' } end
  row = { since = now, used = 0, grant = '' }
  how = 'again'
elseif not row then
  local most = tonumber(ARGV[6])
  if most > 0 then
    local count = 0
    for i, text in ipairs(redis.call('HGETALL', KEYS[1])) do
      if i % 2 == 0 and not cjson.decode(text).gone then count = count + 1 end
    end
    if count >= most then return { 'full' } end
  end
  row = { since = now, used = 0, grant = '' }
end
if row.grant ~= '' and row.grant ~= ARGV[3] then
  local present = redis.call('GET', KEYS[2]) or 'null'
  if ARGV[7] ~= '1' then return { 'differs', present } end
  if live(ARGV[8] == '1' and ARGV[2] or '') > 0 then return { 'in_use', present } end
  how = 'regrouped'
end
row.grant = ARGV[3]
row.used = now
keep(ARGV[1], row)
redis.call('SET', KEYS[2], ARGV[4])
claim(ARGV[2], ARGV[5])
return { how }`);

/**
 * KEYS and ARGV as for ADMIT, up to the time to live. A register that was lost is entered again. Replies 0: another
 * grant.
 */
const RENEW = defineScript(`${REGISTER_LUA}${LIVE_LUA}
local row = row_of(ARGV[1]) or { since = now, used = now, grant = ARGV[3] }
if row.gone or (row.grant ~= '' and row.grant ~= ARGV[3]) then return 0 end
if row.grant == '' or redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SET', KEYS[2], ARGV[4]) end
row.grant = ARGV[3]
row.used = now
keep(ARGV[1], row)
claim(ARGV[2], ARGV[5])
return 1`);

/** KEYS as for ADMIT. ARGV: account, idle for this many milliseconds. Replies 1: this caller may destroy the group. */
const RETIRE = defineScript(`${REGISTER_LUA}${LIVE_LUA}
local row = row_of(ARGV[1])
if not row or row.gone or live('') > 0 or now - math.max(row.used, row.since) < tonumber(ARGV[2]) then return 0 end
keep(ARGV[1], { since = row.since, used = row.used, grant = '', gone = now })
redis.call('DEL', KEYS[2], KEYS[3])
local gone = {}
local rows = redis.call('HGETALL', KEYS[1])
for i = 1, #rows, 2 do
  local since = cjson.decode(rows[i + 1]).gone
  if since then gone[#gone + 1] = { rows[i], since } end
end
table.sort(gone, function(a, b) return a[2] > b[2] end)
for i = ${GONE_ROWS} + 1, #gone do redis.call('HDEL', KEYS[1], gone[i][1]) end
return 1`);

/** Group and account. `resource` is `<namespace>/<name>`. */
export interface RegistryPlace {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  readonly resource: string;
  readonly replica: string;
}

/** A declared group of one account. */
export interface GroupOf {
  readonly group: string;
  readonly account: string;
}

/** What a login may see of its account's tree, as clients see it; null is everything. */
export interface ShownGrant {
  readonly accounts: readonly string[] | null;
  readonly events: readonly string[] | null;
}

export type Registered =
  /** `again`: it had been removed because it was unused. `regrouped`: it was taken over from another grant. */
  | { readonly kind: 'joined' | 'again' | 'regrouped' }
  /** Another grant is in force; `in_use`: it cannot be replaced while connections have it. */
  | { readonly kind: 'differs' | 'in_use'; readonly grant: ShownGrant | null }
  /** The account has no such group yet and the resource has no room for it; or the group is being removed. */
  | { readonly kind: 'full' | 'removing' };

export interface Claim {
  readonly grant: Grant;
  readonly ttlMs: number;
}

/** Digest of a grant: equal for the same accounts and events, in any order. */
function grantDigest(grant: Grant): string {
  return createHash('sha256').update(viewKey(grant, 'plain')).digest('base64url');
}

/**
 * Enters a connection that requests the group, and claims the grant for this replica. Rejects with the client's error.
 */
export async function registerMember(
  place: RegistryPlace,
  of: GroupOf,
  claim: Claim & { readonly maxAccounts: number | null; readonly regroup: boolean; readonly isIdleHere: boolean },
): Promise<Registered> {
  const { maxAccounts, regroup, isIdleHere } = claim;
  const args = [
    ...argumentsOf(place, of, claim),
    String(maxAccounts ?? 0),
    regroup ? '1' : '0',
    isIdleHere ? '1' : '0',
  ];
  const reply = await runScript(place.client, ADMIT, { keys: keysOf(place, of), args });
  const [kind, grant] = reply as readonly [Buffer, Buffer?];
  const text = String(kind);
  if (text === 'differs' || text === 'in_use') return { kind: text, grant: shown(String(grant)) };
  return { kind: text as 'joined' | 'again' | 'regrouped' | 'full' | 'removing' };
}

/** Renews this replica's claim. False when another grant is in force by now. Rejects with the client's error. */
export async function renewMembers(place: RegistryPlace, of: GroupOf, claim: Claim): Promise<boolean> {
  const reply = await runScript(place.client, RENEW, { keys: keysOf(place, of), args: argumentsOf(place, of, claim) });
  return reply === 1;
}

/**
 * This replica has no connection of the group any more. Rejects with the client's error: the claim then expires by
 * itself.
 */
export async function withdrawMembers(place: RegistryPlace, of: GroupOf): Promise<void> {
  await place.client.hdel(accountsOfGroup(place.keyPrefix, { ...place, ...of }).members(of.account), place.replica);
}

/** True once the group counts as removed, when it was unused for `idleMs`. Rejects with the client's error. */
export async function retireGroup(place: RegistryPlace, of: GroupOf, idleMs: number): Promise<boolean> {
  const args = [of.account, String(idleMs)];
  return (await runScript(place.client, RETIRE, { keys: keysOf(place, of), args })) === 1;
}

function keysOf({ keyPrefix, resource }: RegistryPlace, { group, account }: GroupOf): string[] {
  const keys = accountsOfGroup(keyPrefix, { resource, group });
  return [keys.accounts, keys.grant(account), keys.members(account)];
}

function argumentsOf({ replica }: RegistryPlace, { account }: GroupOf, { grant, ttlMs }: Claim): string[] {
  const { accounts, events } = grant;
  return [account, replica, grantDigest(grant), JSON.stringify({ accounts, events }), String(ttlMs)];
}

/** The text that this or another replica has written; null when it is lost. */
function shown(text: string): ShownGrant | null {
  return JSON.parse(text) as ShownGrant | null;
}
