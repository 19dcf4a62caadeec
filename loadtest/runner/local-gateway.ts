import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a URL leads to this machine; the default is the gateway of `npm start`. */
export function isHere(url: string): boolean {
  return url === '' || (URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname));
}

/** Where `npm start` listens with the same environment, for settings that are not given. Pure. */
export function urlsOf(environment: Environment): Record<string, string> {
  const { FIREHOSE_PORT: port = '', FIREHOSE_INNER_PORT: innerPort = '' } = environment;
  const urls: Record<string, string> = {};
  if (port !== '' && !environment['FIREHOSE_URL']) urls['FIREHOSE_URL'] = `https://localhost:${port}`;
  if (innerPort !== '' && !environment['FIREHOSE_INNER_URL']) {
    urls['FIREHOSE_INNER_URL'] = `http://localhost:${innerPort}`;
  }
  return urls;
}

/** Files that the gateway created; a token of the environment overrides its file. */
export function readState(folder: string, environment: Environment): Record<string, string> {
  const found: Record<string, string> = {};
  const read = (name: string, file: string) => {
    const path = join(folder, file);
    if (!environment[name] && existsSync(path)) found[name] = readFileSync(path, 'utf8').trim();
  };
  read('FIREHOSE_INGEST_TOKEN', 'ingest-token');
  read('FIREHOSE_ADMIN_TOKEN', 'admin-token');
  // A bundle that the machine trusts does not contain the gateway's own authority.
  const ca = join(folder, 'ca.crt');
  if (existsSync(ca)) found['SSL_CERT_FILE'] = ca;
  return found;
}
