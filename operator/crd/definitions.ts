import { sourceSpecSchema } from '../../protocol/source.ts';
import { sourceStatusSchema } from '../../protocol/source-spec/status.ts';
import { specSchema } from '../../protocol/subscription.ts';
import { statusSchema } from '../../protocol/subscription/status.ts';
import { customResourceDefinition, type KindDefinition } from './custom-resource-definition.ts';
import { SOURCE_DESCRIPTIONS } from './source-descriptions.ts';
import { SUBSCRIPTION_DESCRIPTIONS } from './subscription-descriptions.ts';

const ready = (field: 'status' | 'reason' | 'message') => `.status.conditions[?(@.type=='Ready')].${field}`;
const WATCHED =
  'A resource without a status is in a namespace that no operator watches: `helm get notes` of the release shows the watched ones.';

const SUBSCRIPTION: KindDefinition = {
  kind: 'FirehoseSubscription',
  shortName: 'fhs',
  about: `Gateways that stream the call events of one account tree, and the consumer groups for it. ${WATCHED}`,
  spec: specSchema,
  status: statusSchema,
  descriptions: { texts: SUBSCRIPTION_DESCRIPTIONS, file: 'operator/crd/subscription-descriptions.ts' },
  required: [
    { place: 'redis', field: 'urlSecretRef' },
    { place: 'auth', field: 'directory' },
    { place: 'consumerGroups.webhook', field: 'secretRefs' },
  ],
  columns: [
    { name: 'Ready', type: 'string', jsonPath: ready('status') },
    { name: 'Reason', type: 'string', jsonPath: ready('reason') },
    { name: 'Account', type: 'string', jsonPath: '.spec.account.id' },
    { name: 'Replicas', type: 'string', jsonPath: '.status.gateway.summary', description: 'ready/desired' },
    { name: 'Connections', type: 'integer', jsonPath: '.status.gateway.connections' },
    { name: 'Lag', type: 'integer', jsonPath: '.status.lag', description: 'unread entries of all groups' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Endpoint', type: 'string', jsonPath: '.status.endpoint.url', priority: 1 },
    { name: 'Message', type: 'string', jsonPath: ready('message'), priority: 1 },
  ],
  scale: {
    spec: '.spec.gateway.replicas',
    status: '.status.gateway.replicas',
    selector: '.status.gateway.selector',
  },
};

const SOURCE: KindDefinition = {
  kind: 'FirehoseSource',
  shortName: 'fhsrc',
  about: `A switch, or several of one kind, whose call events are written into the event log. ${WATCHED}`,
  spec: sourceSpecSchema,
  status: sourceStatusSchema,
  descriptions: { texts: SOURCE_DESCRIPTIONS, file: 'operator/crd/source-descriptions.ts' },
  required: [
    { place: 'redis', field: 'urlSecretRef' },
    { place: 'kazoo.brokers', field: 'urlSecretRef' },
    { place: 'freeswitch.amqp.brokers', field: 'urlSecretRef' },
    { place: 'freeswitch.endpoints', field: 'credentialsSecretRef' },
    { place: 'asterisk.endpoints', field: 'credentialsSecretRef' },
  ],
  rules: [
    {
      place: 'accounts',
      rule: '!self.fromDirectory || has(self.directorySecretRef)',
      message: 'accounts.fromDirectory needs accounts.directorySecretRef: the Secret with the directory',
    },
  ],
  columns: [
    { name: 'Type', type: 'string', jsonPath: '.status.type' },
    { name: 'Ready', type: 'string', jsonPath: ready('status') },
    { name: 'Connected', type: 'string', jsonPath: '.status.connected', description: 'connected/all endpoints' },
    { name: 'Last gap', type: 'date', jsonPath: '.status.lastGap.to', description: 'since nobody listened' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Reason', type: 'string', jsonPath: ready('reason'), priority: 1 },
    { name: 'Message', type: 'string', jsonPath: ready('message'), priority: 1 },
  ],
  scale: { spec: '.spec.replicas', status: '.status.replicas', selector: '.status.selector' },
};

export const subscriptionDefinition = () => customResourceDefinition(SUBSCRIPTION);
export const sourceDefinition = () => customResourceDefinition(SOURCE);
