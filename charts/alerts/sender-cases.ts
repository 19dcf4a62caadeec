import { GATEWAY, gateway, type AlertCase } from './alert-case.ts';

/** Alerts of webhooks and sinks. */
export const SENDER_CASES: readonly AlertCase[] = [
  {
    alert: 'FirehoseWebhookOff',
    fires: { [gateway('firehose_webhook_off', ',group="crm"')]: '0 1x10' },
    after: 2,
    labels: { ...GATEWAY, group: 'crm', severity: 'critical' },
    quiet: [{ [gateway('firehose_webhook_off', ',group="crm"')]: '0x20' }],
  },
  {
    alert: 'FirehoseWebhookFailing',
    fires: { [gateway('firehose_webhook_failing_seconds', ',group="crm"')]: '0+60x20' },
    after: 13,
    labels: { ...GATEWAY, group: 'crm', severity: 'warning' },
    quiet: [
      { [gateway('firehose_webhook_failing_seconds', ',group="crm"')]: '0+60x9 0x20' },
      // FirehoseWebhookOff fires then.
      {
        [gateway('firehose_webhook_failing_seconds', ',group="crm"')]: '0+60x30',
        [gateway('firehose_webhook_off', ',group="crm"')]: '1x30',
      },
    ],
  },
  {
    alert: 'FirehoseWebhookHeldBack',
    fires: { [gateway('firehose_webhook_held_back', ',group="crm"')]: '0 1x20' },
    after: 12,
    labels: { ...GATEWAY, group: 'crm', severity: 'warning' },
    quiet: [{ [gateway('firehose_webhook_held_back', ',group="crm"')]: '0 1x8 0x20' }],
  },
  {
    alert: 'FirehoseSelfServiceFailing',
    fires: {
      [gateway('firehose_self_service_failing')]: '0 4x20',
      [gateway('firehose_self_service_webhooks', ',state="sending"')]: '3x21',
      [gateway('firehose_self_service_webhooks', ',state="paused"')]: '0 4x20',
      [gateway('firehose_self_service_webhooks', ',state="off"')]: '9x21',
    },
    after: 13,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [
      // Some receivers are away: their owners see that.
      {
        [gateway('firehose_self_service_failing')]: '4x20',
        [gateway('firehose_self_service_webhooks', ',state="sending"')]: '20x20',
        [gateway('firehose_self_service_webhooks', ',state="paused"')]: '4x20',
      },
      // So few that they say nothing of the platform.
      {
        [gateway('firehose_self_service_failing')]: '2x20',
        [gateway('firehose_self_service_webhooks', ',state="paused"')]: '2x20',
      },
    ],
  },
  {
    alert: 'FirehoseSinkFailing',
    fires: { [gateway('firehose_sink_failing_seconds', ',group="bus"')]: '0+60x20' },
    after: 13,
    labels: { ...GATEWAY, group: 'bus', severity: 'warning' },
    quiet: [{ [gateway('firehose_sink_failing_seconds', ',group="bus"')]: '0+60x9 0x20' }],
  },
  {
    alert: 'FirehoseSinkHeldBack',
    fires: { [gateway('firehose_sink_held_back', ',group="bus"')]: '0 1x20' },
    after: 12,
    labels: { ...GATEWAY, group: 'bus', severity: 'warning' },
    quiet: [{ [gateway('firehose_sink_held_back', ',group="bus"')]: '0 1x8 0x20' }],
  },
];
