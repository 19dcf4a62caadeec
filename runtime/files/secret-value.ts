/** A secret value of one line (URL, password, token, header list), or why it cannot be used. */
export type SecretValue = { readonly value: string } | { readonly fault: string };

/**
 * C0 and C1 controls, DEL, and the line separators of Unicode. A line break in a credential would end a command or
 * header.
 */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

/**
 * The one reader of secret values, from a Secret, a mounted file or the environment. It removes white space and a byte
 * order mark at both ends, and refuses control characters within. The fault contains nothing of the value. Tools that
 * write files end them with a line feed (`echo url | base64`): operator and gateway must read the same value.
 */
export function secretValue(text: string): SecretValue {
  const value = text.trim();
  if (value === '') return { fault: 'is empty' };
  if (CONTROL.test(value)) return { fault: 'holds a line break or another control character' };
  return { value };
}

/** Allowed after `Bearer` in a header: visible ASCII characters without blanks. */
const PRESENTABLE = /^[\x21-\x7e]+$/;

/** A bearer token for requests. */
export function tokenValue(text: string): SecretValue {
  const read = secretValue(text);
  if ('fault' in read || PRESENTABLE.test(read.value)) return read;
  return { fault: 'holds a blank or a character beyond ASCII: no request can carry it' };
}
