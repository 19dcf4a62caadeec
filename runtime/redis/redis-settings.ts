import { file, secret } from '../settings/kinds.ts';
import { setting, type SettingsTable } from '../settings/setting.ts';

/** How a process reaches its Redis. `readRedis` judges them together with the mode and the TLS of the resource. */
export const REDIS_SETTINGS = {
  REDIS_URL: setting(secret, {
    about:
      'Redis of the event log: `redis://user:password@host:6379/0`, `rediss://` for TLS; several hosts with commas for Sentinel and Cluster',
  }),
  REDIS_URL_FILE: setting(file, { flag: 'redis-url-file', about: 'file that holds the URL, in place of `REDIS_URL`' }),
  REDIS_CA_FILE: setting(file, {
    flag: 'redis-ca-file',
    shown: "the system's",
    about: "authorities of the servers' certificates, PEM",
  }),
  REDIS_CERT_FILE: setting(file, { flag: 'redis-cert-file', about: 'client certificate shown to Redis, PEM' }),
  REDIS_KEY_FILE: setting(file, { flag: 'redis-key-file', about: 'private key of that certificate, PEM' }),
  REDIS_SENTINEL_USERNAME: setting(secret, { about: 'user of the sentinels' }),
  REDIS_SENTINEL_PASSWORD: setting(secret, { about: 'password of that user' }),
} as const satisfies SettingsTable;
