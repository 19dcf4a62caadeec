/** The folder beside the subscription with the files of all NATS sinks. The operator mounts Secrets there. */
export const NATS_FOLDER = 'nats';

/** Names of a group's files in it. At most one kind of credentials exists. */
export function natsFiles(group: string) {
  return {
    creds: `${group}.creds`,
    token: `${group}.token`,
    username: `${group}.username`,
    password: `${group}.password`,
    ca: `${group}.ca.crt`,
  } as const;
}
