import type { Subscription } from '../../protocol/subscription.ts';
import { SECRETS, type KubeObject } from '../kubernetes/objects.ts';
import { certificateNames } from '../resources/exposure.ts';
import { namesOf, subscriptionOwner, type Owner } from '../resources/rendering.ts';
import { adminToken } from './admin-token.ts';
import type { Context } from './context.ts';
import { bad, good, type Finding } from './findings.ts';
import type { KeysInUse } from './key-rotation.ts';
import { LEFTOVER } from './objects-step.ts';
import { assertOwn, LeftByFormer, ObjectOwnedByOther, ownershipOf } from './ownership.ts';
import { renewSelfSigned, type SelfSignedInput } from './self-signed.ts';
import { rotateKeys } from './signing-keys.ts';

export interface SecretsStep {
  readonly keys: Finding;
  readonly signing: { readonly activeKeyID: string; readonly nextRotationTime?: string } | null;
  /** Secret. Null when it could not be read: a Secret of that name has another owner. */
  readonly adminToken: string | null;
}

interface Input {
  readonly resource: KubeObject;
  readonly subscription: Subscription;
  readonly uid: string;
  readonly inUse: KeysInUse | null;
  /** With keys that the platform rotates: the id of the signing one. */
  readonly foreignKeyId: string | null;
}

/**
 * Creates, rotates and renews signing keys, certificate and administrators' token. Secrets of another owner are not
 * changed.
 */
export async function secretsStep(context: Context, input: Input): Promise<SecretsStep> {
  let token: string | null = null;
  try {
    await certificateStep(context, input);
    token = await adminTokenStep(context, input);
    return { ...(await keysStep(context, input)), adminToken: token };
  } catch (error) {
    if (error instanceof LeftByFormer) return { keys: bad(LEFTOVER, error.message), signing: null, adminToken: token };
    if (!(error instanceof ObjectOwnedByOther)) throw error;
    return { keys: bad('ObjectOwnedByOther', error.message, true), signing: null, adminToken: token };
  }
}

async function adminTokenStep(context: Context, input: Input): Promise<string> {
  const secret = await ownSecret(
    context,
    subscriptionOwner(input),
    namesOf(input.subscription.metadata.name).adminToken,
  );
  const { token, change } = adminToken(input, secret);
  if (change !== null) await applySecret(context, change);
  return token;
}

async function keysStep(context: Context, input: Input): Promise<Omit<SecretsStep, 'adminToken'>> {
  const { subscription, uid, inUse, foreignKeyId } = input;
  if (subscription.spec.auth.token.signing.secretName !== undefined) {
    if (foreignKeyId === null) return { keys: bad('ReferencesMissing', 'the named keys are not there'), signing: null };
    return { keys: good('Given', 'the keys are rotated by the platform'), signing: { activeKeyID: foreignKeyId } };
  }
  const { signingKeys } = namesOf(subscription.metadata.name);
  const secret = await ownSecret(context, subscriptionOwner(input), signingKeys, 'spec.auth.token.signing.secretName');
  const rotated = await rotateKeys({ subscription, uid, secret, inUse }, context.now());
  if (rotated.change !== null) await applySecret(context, rotated.change);
  if (rotated.news !== null) await context.recordEvent(input.resource, 'Normal', 'SigningKeys', rotated.news);
  const next = rotated.nextRotationAt;
  return {
    keys: good('Managed', 'made and rotated by the operator'),
    signing: {
      activeKeyID: rotated.activeKeyId,
      ...(next !== null && { nextRotationTime: new Date(next).toISOString().replace(/\.\d+/, '') }),
    },
  };
}

async function certificateStep(context: Context, input: Input): Promise<void> {
  const { subscription, resource } = input;
  const { tls } = subscription.spec.gateway;
  if (tls.disabled || tls.secretName !== undefined || tls.issuerRef !== undefined) return;
  await keepSelfSigned(context, resource, {
    owner: subscriptionOwner(input),
    secrets: namesOf(subscription.metadata.name),
    dnsNames: certificateNames(input),
    field: 'spec.gateway.tls.secretName',
  });
}

/** Creates and renews a self-signed certificate. Throws when a Secret of that name has another owner. */
export async function keepSelfSigned(
  context: Context,
  resource: KubeObject,
  { field, ...made }: Omit<SelfSignedInput, 'authority' | 'server'> & { readonly field: string },
): Promise<void> {
  const [authority, server] = [
    await ownSecret(context, made.owner, made.secrets.authority),
    await ownSecret(context, made.owner, made.secrets.tls, field),
  ];
  const changes = await renewSelfSigned({ ...made, authority, server }, context.now());
  for (const change of changes) await applySecret(context, change);
  if (changes.length > 0 && server !== null) {
    await context.recordEvent(resource, 'Normal', 'CertificateRenewed', 'the self-signed certificate was renewed');
  }
}

/**
 * Null when there is none, or it is an orphan, which is then overwritten. A Secret of that name with another owner is
 * neither used nor overwritten; `field` is where a resource may name it instead.
 */
async function ownSecret(
  context: Context,
  { kind, namespace, uid, name: asking }: Owner,
  name: string,
  field?: string,
): Promise<KubeObject | null> {
  const secret = await context.secrets.read(namespace, name);
  if (secret === null) return null;
  const wayOut = field === undefined ? 'keep it under another name' : `name it in ${field}`;
  const owner = { kind: kind.kind, name: asking, uid };
  try {
    assertOwn(secret, SECRETS.kind, owner, wayOut);
  } catch (error) {
    // The next pass reads it again.
    context.secrets.forget(namespace, [name]);
    throw error;
  }
  return ownershipOf(secret, owner) === 'own' ? secret : null;
}

async function applySecret(context: Context, secret: KubeObject): Promise<void> {
  context.secrets.put(await context.api.apply(SECRETS, secret));
}
