/**
 * How long a gateway that is replaced waits, at most, until the others of its roll-out are stopping too, before it
 * drains.
 */
export const LEAVE_TOGETHER_S = 300;
