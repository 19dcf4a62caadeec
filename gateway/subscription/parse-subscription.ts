import { subscriptionSchema, type Subscription } from '../../protocol/subscription.ts';
import { parseYaml } from '../../runtime/files/parse-yaml.ts';

export type ParsedSubscription =
  | { readonly value: Subscription; readonly faults: readonly [] }
  | { readonly value: null; readonly faults: readonly string[] };

/** Reads `subscription.yaml`: reports every fault at once, each with its place. `file` is for the messages. */
export function parseSubscription(text: string, file: string): ParsedSubscription {
  return parseYaml(text, file, subscriptionSchema);
}
