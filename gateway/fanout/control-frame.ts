import { encodeServerFrame, type ServerFrame } from '../../protocol/server-frame.ts';
import type { Framing } from './encoding.ts';
import { textFrame } from './frame.ts';
import { sseControl } from './sse-frame.ts';

/**
 * A frame beside the events. `id`: the cursor from which a client of Server-Sent Events resumes once it has the frame.
 */
export function controlFrame(framing: Framing, frame: ServerFrame, id: string | null = null): Buffer {
  return framing === 'websocket' ? textFrame(encodeServerFrame(frame)) : sseControl(JSON.stringify(frame), id);
}
