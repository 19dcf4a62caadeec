import { z } from 'zod';
import { service, tls as servedTls } from '../subscription/exposure.ts';
import { hostName, objectName, ruled, secretRef } from '../subscription/rules.ts';
import { followed, platformOnly } from '../subscription/takes-effect.ts';
import { busFields } from './bus.ts';
import { endpointName } from './endpoint-name.ts';

const MAX_ENDPOINTS = 32;

const host = () =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(
      /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*|[0-9a-f:.]*:[0-9a-f:.]*)$/,
      'a DNS name or an IP address',
    );
const port = () => z.int().min(1).max(65_535);

/** A Secret of type kubernetes.io/basic-auth; a standalone process has its folder of secrets. */
const credentialsSecretRef = z.strictObject({ name: objectName() }).optional();

/** Elements are merged by their names. */
const endpointsOf = <S extends z.ZodType<{ name: string }>>(element: S) =>
  z
    .array(element)
    .min(1)
    .max(MAX_ENDPOINTS)
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'names an endpoint twice')
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] });

const socket = z.strictObject({
  name: endpointName(),
  host: host(),
  port: port().default(8_021),
  credentialsSecretRef,
});

/** What mod_amqp publishes; its bodies equal those of the event socket. */
const amqp = z.strictObject(busFields('freeswitch.amqp', 'TAP.Events'));

/** FreeSWITCH, by its event socket, which has no TLS (same node, VPN, or a proxy beside the switch), or by mod_amqp. */
export const freeswitch = ruled(
  z.strictObject({
    endpoints: followed(endpointsOf(socket).optional()),
    amqp: amqp.optional(),
    /** What indicates parking: valet_park, CHANNEL_PARK (also sent inside att_xfer), or nothing. */
    park: z.enum(['Valet', 'Application', 'None']).default('Valet'),
  }),
  {
    cel: 'has(self.endpoints) != has(self.amqp)',
    holds: ({ endpoints, amqp: bus }) => (endpoints === undefined) !== (bus === undefined),
    message: 'exactly one of endpoints (the event socket) and amqp (mod_amqp)',
  },
);

const tls = z
  .strictObject({
    enabled: z.boolean().default(false),
    /** Certificate authorities for the switch's certificate; default: the system's. */
    caSecretRef: secretRef('ca.crt').optional(),
    /** A Secret of type kubernetes.io/tls. */
    clientCertSecretName: objectName().optional(),
    /** The name that the certificate must have, if it is not the host's. */
    serverName: hostName().optional(),
  })
  .prefault({});

const OUTBOUND = "(has(self.interface) && self.interface == 'ARIOutbound')";

const endpoint = ruled(
  z.strictObject({
    name: endpointName(),
    /** AMI and ARI: the source connects to the switch. ARIOutbound: the switch connects to the source. */
    interface: z.enum(['AMI', 'ARI', 'ARIOutbound']).default('AMI'),
    host: host().optional(),
    /** Absent: 5038 and 5039 of AMI, 8088 and 8089 of ARI, the second with TLS. */
    port: port().optional(),
    credentialsSecretRef,
    tls,
  }),
  {
    cel: `${OUTBOUND} != has(self.host)`,
    holds: (one) => (one.interface === 'ARIOutbound') !== (one.host !== undefined),
    message: 'host is given with AMI and ARI; with ARIOutbound the switch connects',
    field: 'host',
  },
  {
    cel: `!${OUTBOUND} || !(has(self.port) || (has(self.tls) && has(self.tls.enabled) && self.tls.enabled))`,
    holds: (one) => one.interface !== 'ARIOutbound' || (one.port === undefined && !one.tls.enabled),
    message: 'port and TLS of ARIOutbound are those of asterisk.listen',
    field: 'port',
  },
);
export type AsteriskEndpoint = z.output<typeof endpoint>;

/** Where switches connect by ARIOutbound. */
const listen = z.strictObject({
  port: port().min(1_024).default(9_443),
  service: platformOnly(service.prefault({})),
  tls: servedTls.prefault({}),
});

export const asterisk = ruled(
  z.strictObject({ endpoints: followed(endpointsOf(endpoint)), listen: listen.optional() }),
  {
    cel: "self.endpoints.exists(one, has(one.interface) && one.interface == 'ARIOutbound') == has(self.listen)",
    holds: ({ endpoints, listen: at }) =>
      endpoints.some((one) => one.interface === 'ARIOutbound') === (at !== undefined),
    message: 'listen belongs to endpoints with interface ARIOutbound; give both or neither',
    field: 'listen',
  },
);

const DEFAULT_PORTS = { AMI: [5_038, 5_039], ARI: [8_088, 8_089] } as const;

/** The port to connect to; null where the switch connects. */
export function asteriskPort(one: Pick<AsteriskEndpoint, 'interface' | 'port' | 'tls'>): number | null {
  if (one.interface === 'ARIOutbound') return null;
  return one.port ?? DEFAULT_PORTS[one.interface][one.tls.enabled ? 1 : 0];
}
