/** How long a replaced gateway waits at most for the others of its roll-out to stop too, before it drains. */
export const LEAVE_TOGETHER_S = 300;
