import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { sourceDefinition, subscriptionDefinition } from './definitions.ts';

interface CrdFile {
  readonly path: string;
  /** For example `firehosesources`. */
  readonly plural: string;
  readonly text: string;
}

/** Every CustomResourceDefinition of the project, as in `crds/`. */
export function crdFiles(): readonly CrdFile[] {
  const made = [
    { definition: subscriptionDefinition(), origin: 'protocol/subscription.ts' },
    { definition: sourceDefinition(), origin: 'protocol/source.ts' },
  ];
  return made.map(({ definition, origin }) => {
    const { plural } = definition.spec.names;
    const head = `# Generated from ${origin} by \`npm run generate\`. Changes by hand are lost.\n`;
    return {
      path: fileURLToPath(new URL(`../../crds/firehose.dev_${plural}.yaml`, import.meta.url)),
      plural,
      text: head + stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false }),
    };
  });
}
