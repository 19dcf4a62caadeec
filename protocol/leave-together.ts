/** How long a gateway that is replaced waits, at most, for the others of its roll-out to be told to go, before it drains. */
export const LEAVE_TOGETHER_S = 300;
