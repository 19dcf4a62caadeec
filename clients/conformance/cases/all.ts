import type { Case } from '../case.ts';
import { CALLS_CASES } from './calls.ts';
import { CONNECT } from './connect.ts';
import { GROUP_CASES } from './group.ts';
import { LOSS } from './loss.ts';
import { RENEW } from './renew.ts';
import { RESUME } from './resume.ts';

/** The long ones first: the others run beside them. */
export const CASES: readonly Case[] = [...CONNECT, ...RENEW, ...RESUME, ...LOSS, ...GROUP_CASES, ...CALLS_CASES].sort(
  (a, b) => Number(b.name === 'resume/half-open') - Number(a.name === 'resume/half-open'),
);
