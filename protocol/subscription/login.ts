import { z } from 'zod';
import { secretRef, setOf } from './rules.ts';
import { platformOnly } from './takes-effect.ts';

/** Host, port and path. */
const ADDRESS = /^https?:\/\/([A-Za-z0-9][-A-Za-z0-9.]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(\/[-A-Za-z0-9._~/%]*)?$/;
const address = (example: string) => z.string().max(1_024).regex(ADDRESS, `an address as ${example}`);
const claim = () => z.string().min(1).max(128);

/** In this order; the first that does not ignore a login decides. */
export const loginMethods = setOf(z.enum(['Directory', 'Check', 'Kazoo', 'OIDC']), 4, 1).default(['Directory']);

export const kazoo = z.strictObject({
  /** Of crossbar, without `/v2`. */
  url: address('https://kazoo.example.com:8443'),
  /** A standalone gateway has `FIREHOSE_KAZOO_CA_FILE`. */
  caSecretRef: platformOnly(secretRef('ca.crt').optional()),
});

export const oidc = z.strictObject({
  issuer: address('https://id.example.com/realms/voice'),
  audience: z.string().min(1).max(253),
  /** Only asymmetric ones: the provider's keys are public. */
  algorithms: setOf(z.enum(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA']), 5, 1).default(['RS256', 'ES256', 'EdDSA']),
  /** Claim with the id, realm or name of the account. */
  accountClaim: claim().default('account_id'),
  usernameClaim: claim().default('sub'),
  /** A standalone gateway has `FIREHOSE_OIDC_CA_FILE`. */
  caSecretRef: platformOnly(secretRef('ca.crt').optional()),
});
