import type { Subscription } from '../../protocol/subscription.ts';
import { judgeHost } from '../../runtime/net/address-guard.ts';
import { bad, good, type Finding } from './findings.ts';

/**
 * Whether the gateways may connect to the collector's address: the same ranges are refused as for Redis. The operator
 * never connects there. Loopback is the pod's own, where a collector may run beside the gateway. An unknown host is
 * accepted, because gateways serve without a collector.
 */
export async function judgeTelemetry({ telemetry }: Pick<Subscription['spec'], 'telemetry'>): Promise<Finding> {
  const { otlp } = telemetry;
  if (otlp === undefined) return good('NotSent', 'telemetry is sent nowhere');
  const url = URL.parse(otlp.endpoint);
  if (url === null) return bad('OTLPEndpointInvalid', 'telemetry.otlp.endpoint is no address', true);
  const judged = await judgeHost(url.hostname, { allowLoopback: true });
  if (judged !== 'refused') return good('Allowed', 'telemetry may be sent there');
  const what = 'a link-local, metadata, multicast or unspecified address';
  return bad('OTLPAddressRefused', `the host of telemetry.otlp.endpoint is, or resolves to, ${what}`, true);
}
