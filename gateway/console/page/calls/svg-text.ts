import type { Drawing, Shape, Tone } from './shapes.ts';

/** Colours of a file, which has no style sheet: they can be read on white. */
const COLOURS: Readonly<Record<Tone, string>> = {
  fresh: '#1c5fb8',
  good: '#17733f',
  busy: '#8a5a00',
  bad: '#b3202f',
  dim: '#5b6472',
  plain: '#1b1f27',
  faint: '#c8ced8',
};

/** The ladder as a file of SVG. Pure. */
export function svgText({ width, height, shapes }: Drawing): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="11.5">
<rect width="${width}" height="${height}" fill="#ffffff"/>
${shapes.map(element).join('\n')}
</svg>
`;
}

function element(shape: Shape): string {
  const colour = COLOURS[shape.tone];
  switch (shape.kind) {
    case 'line':
      return `<line x1="${shape.x1}" y1="${shape.y1}" x2="${shape.x2}" y2="${shape.y2}" stroke="${colour}"${shape.isDashed === true ? ' stroke-dasharray="5 4"' : ''}/>`;
    case 'arrow':
      return `<path d="${arrowPath(shape)}" fill="${colour}"/>`;
    case 'bar':
      return `<rect x="${shape.x - 4}" y="${shape.y}" width="8" height="${shape.height}" rx="3" fill="${colour}" fill-opacity="0.25"><title>${escaped(shape.about)}</title></rect>`;
    case 'text':
      return `<text x="${shape.x}" y="${shape.y}" text-anchor="${shape.anchor}" fill="${colour}"${shape.isStrong === true ? ' font-weight="600"' : ''}>${escaped(shape.text)}</text>`;
  }
}

/** Pure. */
export function arrowPath({ x, y, points }: Pick<Extract<Shape, { kind: 'arrow' }>, 'x' | 'y' | 'points'>): string {
  const back = points === 'right' ? -7 : 7;
  return `M${x} ${y} L${x + back} ${y - 4} L${x + back} ${y + 4} Z`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  // Characters that XML has not are left out.
  // oxlint-disable-next-line no-control-regex
  const allowed = text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
  return allowed.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
