/** The page is drawn as a whole from what is known, at most ten times a second, however much is heard. */
const LEAST_MS = 100;

let draw: () => void = () => {};
let isDue = false;
let isUrgent = false;
let drawnAt = 0;

export function drawBy(action: () => void): void {
  draw = action;
  redrawNow();
}

/** Something changed that may be seen a moment later. */
export function redraw(): void {
  if (isDue) return;
  isDue = true;
  setTimeout(frame, Math.max(0, drawnAt + LEAST_MS - performance.now()));
}

/** A person did something: with the next frame. */
export function redrawNow(): void {
  if (isUrgent) return;
  isUrgent = true;
  frame();
}

function frame(): void {
  requestAnimationFrame(() => {
    if (!isDue && !isUrgent) return;
    isDue = false;
    isUrgent = false;
    drawnAt = performance.now();
    draw();
  });
}
