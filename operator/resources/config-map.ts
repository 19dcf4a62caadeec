import { stringify } from 'yaml';
import { CONFIG_MAPS, type KubeObject } from '../kubernetes/objects.ts';
import { namesOf, owned, type Rendering } from './rendering.ts';

/** The resource with all of its defaults, as the gateway reads it from a file everywhere. */
export function configMap(rendering: Rendering): KubeObject {
  const { subscription } = rendering;
  const text = stringify(subscription, { lineWidth: 0, aliasDuplicateObjects: false });
  return owned(rendering, CONFIG_MAPS, namesOf(subscription.metadata.name).config, {
    data: { 'subscription.yaml': text },
  });
}
