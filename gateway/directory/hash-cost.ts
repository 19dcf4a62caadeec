/** The cost of a stored hash, as it is written in it (PHC string): `m=19456,t=2,p=1`. */
export function costOf(hash: string): string {
  return hash.split('$')[3] ?? '';
}
