/**
 * The keys of a login, with their JSON Schemas. A resource that accepts tokens of an identity provider also has
 * `access_token`.
 */
export const LOGIN_KEYS = {
  username: { type: 'string' },
  password: { type: 'string', format: 'password' },
  domain: { type: 'string', description: 'Name or realm of the account of the user' },
  accounts: { type: 'array', items: { type: 'string' }, description: 'Exactly these; all when not given' },
  events: { type: 'array', items: { type: 'string' }, description: 'Only these names; all when not given' },
  privacy: {
    type: 'string',
    description: 'A privacy profile that shows no more than what is granted; what is granted when not given',
  },
} as const;
