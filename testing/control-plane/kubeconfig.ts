import { stringify } from 'yaml';

/** How a client authenticates: by a certificate, or a service account's token. */
export type Credentials = { readonly cert: string; readonly key: string } | { readonly token: string };

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A kubeconfig of one cluster and one user, as text. `ca` is PEM. */
export function kubeconfig(server: string, ca: string, user: Credentials, namespace = 'default'): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'firehose', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [
      {
        name: 'user',
        user:
          'token' in user
            ? { token: user.token }
            : { 'client-certificate-data': base64(user.cert), 'client-key-data': base64(user.key) },
      },
    ],
    contexts: [{ name: 'firehose', context: { cluster: 'firehose', user: 'user', namespace } }],
    'current-context': 'firehose',
  });
}
