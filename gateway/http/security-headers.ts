/** Headers of every answer of the public listener for browsers. */
export function securityHeaders(isTls: boolean): Record<string, string> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    ...(isTls && { 'Strict-Transport-Security': 'max-age=31536000' }),
  };
}
