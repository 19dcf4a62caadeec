import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { judgeHost, type AddressPolicy } from '../net/address-guard.ts';

interface Exporter<Items> {
  export: (items: Items, done: (result: ExportResult) => void) => void;
}

/**
 * Lets an exporter send only while the names of its collectors resolve to allowed addresses. For gRPC, which opens its
 * connections itself: it resolves the name again at each connect, so the name is checked before each export.
 */
export function guardExports<Items>(
  exporter: Exporter<Items>,
  hosts: readonly string[],
  policy: AddressPolicy,
  judge: typeof judgeHost = judgeHost,
): void {
  const send = exporter.export.bind(exporter);
  const isRefused = async () => (await Promise.all(hosts.map((host) => judge(host, policy)))).includes('refused');
  /** Never rejects, because `judge` never does. */
  const sendUnlessRefused = async (...[items, done]: Parameters<Exporter<Items>['export']>) => {
    if (await isRefused()) done({ code: ExportResultCode.FAILED, error: new Error('ADDRESS_REFUSED') });
    else send(items, done);
  };
  exporter.export = (items, done) => void sendUnlessRefused(items, done);
}
