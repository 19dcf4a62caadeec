/**
 * Never a request of its own: admission asks whether we may block the deletion of an owner (see `owned`), and whether we may
 * delete what we set an owner on (see `orphan` in ../subscription/ownership.ts).
 */
export const ASKED_BY_ADMISSION = [
  'update firehosesubscriptions/finalizers',
  'update firehosesources/finalizers',
  'delete secrets',
  'delete configmaps',
  'delete poddisruptionbudgets',
];
