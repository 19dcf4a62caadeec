/** The folder beside the subscription with the files of all webhooks. The operator mounts Secrets there. */
export const WEBHOOKS_FOLDER = 'webhooks';

/** Names of a group's files in it: signing secrets, the current one first, and the receiver's authorities. */
export function webhookFiles(group: string) {
  return { secrets: [`${group}.secret`, `${group}.previous-secret`], ca: `${group}.ca.crt` } as const;
}
