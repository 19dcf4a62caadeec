import { ADMIN } from './running-gateway.ts';

/** More ids of accounts than a token carries: the grant is stored. */
export const MANY = Array.from({ length: 120 }, (_, at) => `account-with-an-id-of-some-length-${1_000 + at}`);

/** A directory of these accounts, in which the quickstart's administrator may log in. */
export function directoryOfMany(): string {
  const root = '91eb05e5c68d7ca05e7618b6821d2d16';
  const hash = '$argon2id$v=19$m=19456,t=2,p=1$bH+IAfKAjZqGzEW5SZblmw$RvC0N43H+pRTQtfL7IyMUdHKATLJ5zhDVQdm3iNKVS0';
  return JSON.stringify({
    accounts: [
      { id: root, name: 'admin', realm: 'admin.sip.example.com' },
      ...MANY.map((id) => ({ id, name: id, realm: `${id}.sip.example.com`, parent: root })),
    ],
    users: [{ username: ADMIN.username, account: root, passwordHash: hash }],
  });
}
