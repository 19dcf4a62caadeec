import { domainToASCII } from 'node:url';

const ASCII = /^\p{ASCII}*$/u;

/** A text as it is stored and compared, however it was typed: Unicode NFC. Case stays. */
export function composed(text: string): string {
  return text.normalize('NFC');
}

/** A user name as it is compared: NFC, without case. */
export function foldName(username: string): string {
  return composed(composed(username).toLowerCase());
}

/**
 * An account's name or realm as it is compared: NFC, without case, and a domain name in its ASCII form (IDNA, UTS 46).
 * `Bücher.example` and `xn--bcher-kva.example` are the same. What is not a domain name, as `Müller & Söhne`, is a name.
 */
export function foldDomain(domain: string): string {
  if (ASCII.test(domain)) return domain.toLowerCase();
  return domainToASCII(composed(domain)) || foldName(domain);
}
