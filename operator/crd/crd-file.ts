import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { customResourceDefinition } from './custom-resource-definition.ts';

export const CRD_FILE = fileURLToPath(new URL('../../crds/firehose.dev_firehosesubscriptions.yaml', import.meta.url));

export function crdText(): string {
  const head = '# Generated from protocol/subscription.ts by `npm run generate`. Changes by hand are lost.\n';
  return head + stringify(customResourceDefinition(), { lineWidth: 0, aliasDuplicateObjects: false });
}
