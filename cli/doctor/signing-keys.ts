import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { keyRing, SigningKeyFault, type KeyRing } from '../../gateway/auth/signing-keys.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import { durationMs } from '../../protocol/subscription.ts';
import { about, type Finding } from '../../protocol/finding.ts';
import { howLong } from './how-long.ts';
import { readText, unreadable } from '../../runtime/files/text-file.ts';

/** When the operator created a key, and since when it signs: Unix seconds. */
const dated = z.looseObject({ made: z.number().optional(), signs: z.number().optional() });

const ADD = 'put a new JWK first and keep the old one behind it: tokens that are out stay valid';

export interface LookedAtKeys {
  readonly findings: readonly Finding[];
  /** Of the signing key, null when there is none. */
  readonly signs: string | null;
}

/** The keys that sign and verify tokens: whether they can be used, and how long the first one has been signing. */
export async function lookAtSigningKeys(config: GatewayConfig, now: number): Promise<LookedAtKeys> {
  const { signingKeysFile, stateFolder, subscription } = config;
  const { algorithm, rotationInterval } = subscription.spec.auth.token.signing;
  const file = signingKeysFile ?? join(stateFolder, 'signing-key.json');
  const say = about('signing_keys', file);
  const none = (finding: Finding): LookedAtKeys => ({ findings: [finding], signs: null });
  let text: string;
  try {
    text = await readText(file);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    if (signingKeysFile === null && code === 'ENOENT') return none(say.ok('is not there yet: made by the first start'));
    return none(say.fail(unreadable(error), 'mount the Secret with signing-keys.json there, readable'));
  }
  const keys = parse(text);
  const ring = await ringOf(keys);
  if (typeof ring === 'string') {
    const fix = signingKeysFile === null ? 'remove the file for a new key; all clients log in again' : 'fix the Secret';
    return none(say.fail(ring, fix));
  }
  const first = dated.safeParse(keys?.[0]).data;
  const since = first?.signs ?? first?.made;
  const age = now - (since === undefined ? (await stat(file)).mtimeMs : since * 1_000);
  const findings: Finding[] = [];
  if (signingKeysFile !== null && ring.algorithm !== algorithm) {
    findings.push(say.warn(`signs by ${ring.algorithm}, spec.auth.token.signing.algorithm is ${algorithm}`, ADD));
  }
  if (age > durationMs(rotationInterval)) {
    const seen = `the key ${ring.kid} signs for ${howLong(age)}, longer than signing.rotationInterval (${rotationInterval})`;
    findings.push(say.warn(seen, ADD));
  }
  const seen = `${ring.verifyKeys.size} verify, ${ring.kid} (${ring.algorithm}) signs for ${howLong(age)}`;
  return { findings: findings.length > 0 ? findings : [say.ok(seen)], signs: ring.kid };
}

function parse(text: string): readonly unknown[] | null {
  try {
    const keys: unknown = JSON.parse(text);
    return Array.isArray(keys) ? keys : null;
  } catch {
    // Not JSON: the caller reports it, without the content.
    return null;
  }
}

/** Its fault, without any part of the keys. */
async function ringOf(keys: readonly unknown[] | null): Promise<KeyRing | string> {
  if (keys === null) return 'is not a JSON array of JWKs';
  try {
    return await keyRing(keys);
  } catch (error) {
    if (error instanceof SigningKeyFault) return error.message;
    throw error;
  }
}
