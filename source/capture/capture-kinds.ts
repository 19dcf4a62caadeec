/** What a capture was recorded from. */
export const CAPTURE_KINDS = ['kazoo', 'freeswitch', 'asterisk-ami', 'asterisk-ari'] as const;

export type CaptureKind = (typeof CAPTURE_KINDS)[number];
