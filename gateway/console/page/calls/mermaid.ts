import { gap } from '../base/format.ts';
import type { Ladder } from './ladder.ts';

/** The ladder as a sequence diagram of Mermaid. Pure. */
export function mermaidOf({ legs, steps }: Ladder): string {
  const name = (lane: number) => (lane === 0 ? 'S' : `L${lane}`);
  const lines = ['sequenceDiagram', '  participant S as switch'];
  for (const { lane, party } of legs) lines.push(`  participant ${name(lane)} as ${plain(party)}`);
  for (const { row, lane, otherLane, direction, sinceMs } of steps) {
    const [from, to] = otherLane !== null ? [lane, otherLane] : direction === 'to_switch' ? [lane, 0] : [0, lane];
    const said = [row.name, row.state ?? '', sinceMs === null ? '' : `+${gap(sinceMs)}`].filter((part) => part !== '');
    lines.push(`  ${name(from)}->>${name(to)}: ${plain(said.join(' '))}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Without what means something to Mermaid. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc};#<>"`{}%:]/gu, ' ').slice(0, 120);
}
