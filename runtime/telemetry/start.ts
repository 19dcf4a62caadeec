// Given to Node by --import, before any instrumented module is loaded. Without an OTLP endpoint in the environment it
// loads nothing else.
import { register } from 'node:module';
import { grpcHosts, readSettings, settingFaults, type TelemetrySettings } from './settings.ts';
import { noteSettingFaults } from './telemetry.ts';

const settings = readSettings(process.env, process.argv.slice(2));
const faults = [...settingFaults(process.env, process.argv.slice(2))];
const isRefused = settings !== null && (await refusesGrpc(settings));
if (isRefused)
  faults.push('OTEL_EXPORTER_OTLP_ENDPOINT: FIREHOSE_ADDRESS_GUARD refuses this address; nothing is exported');
noteSettingFaults(faults);
if (settings !== null && !isRefused) {
  // Before the SDK: without the hook ioredis is not instrumented in ES modules, and no error says so.
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, {
    data: { include: ['ioredis', 'http', 'https', 'node:http', 'node:https'] },
  });
  const { startSdk } = await import('./sdk.ts');
  startSdk(settings, grpcHosts(settings, process.env));
}

/**
 * gRPC's hosts are checked here, so that the log reports a fault at once, and before each export; HTTP's at each
 * connection.
 */
async function refusesGrpc(of: TelemetrySettings): Promise<boolean> {
  const hosts = of.guard === null ? [] : grpcHosts(of, process.env);
  if (of.guard === null || hosts.length === 0) return false;
  const { judgeHost } = await import('../net/address-guard.ts');
  const { guard } = of;
  return (await Promise.all(hosts.map((host) => judgeHost(host, guard)))).includes('refused');
}
