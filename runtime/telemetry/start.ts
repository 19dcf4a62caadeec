// Given to Node by --import, before anything that is instrumented is loaded. Without an OTLP endpoint in the
// environment it loads nothing else.
import { register } from 'node:module';
import { readSettings, settingFaults } from './settings.ts';
import { noteSettingFaults } from './telemetry.ts';

noteSettingFaults(settingFaults(process.env, process.argv.slice(2)));
const settings = readSettings(process.env, process.argv.slice(2));
if (settings !== null) {
  // Before the SDK: without the hook nothing of ioredis is instrumented in ES modules, and nobody says so.
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, {
    data: { include: ['ioredis', 'http', 'https', 'node:http', 'node:https'] },
  });
  const { startSdk } = await import('./sdk.ts');
  startSdk(settings);
}
