import { COMMON_SETTINGS } from '../../runtime/settings/common-settings.ts';
import { integer, oneOf, truth } from '../../runtime/settings/kinds.ts';
import { setting, type SettingsTable } from '../../runtime/settings/setting.ts';
import { WATCH_NAMESPACES } from '../settings.ts';

/** The settings of `firehose uninstall`, the hook that runs before Helm removes an operator. */
export const UNINSTALL_SETTINGS = {
  FIREHOSE_WATCH_NAMESPACES: WATCH_NAMESPACES,
  FIREHOSE_SUBSCRIPTIONS: setting(oneOf('<Refuse|Delete>', ['Refuse', 'Delete']), {
    flag: 'subscriptions',
    fallback: 'Refuse',
    about: 'what to do while FirehoseSubscriptions exist: Refuse, or Delete them and wait',
  }),
  FIREHOSE_CRD_GOES: setting(truth, {
    flag: 'crd-goes',
    fallback: 'false',
    about: 'whether the CRD will be deleted: then the resources of other operators count too',
  }),
  FIREHOSE_TIMEOUT_SECONDS: setting(integer('<seconds>', 'seconds, from 0 to 99999', 0, 99_999), {
    flag: 'timeout-seconds',
    fallback: '660',
    about: 'limit of the deletion',
  }),
  ...COMMON_SETTINGS,
} as const satisfies SettingsTable;
