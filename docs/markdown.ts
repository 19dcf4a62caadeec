/** A fenced block of code. Pure. */
export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** The name in the comment `<!-- run: NAME -->` before it; null without one. */
  readonly run: string | null;
  readonly line: number;
}

export interface Link {
  /** As written: `path`, `path#anchor`, `#anchor` or a URL. */
  readonly target: string;
  readonly line: number;
}

const FENCE = /^\s*```(\S*)\s*$/;
const RUN = /^<!-- run: (.+?) -->$/;
const LINK = /!?\[[^\]]*\]\(([^)\s]+)(?: "[^"]*")?\)/g;
const HEADING = /^#{1,6} +(.+?) *#*$/;

export function codeBlocks(text: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { language: string; line: number; run: string | null; code: string[] } | null = null;
  let run: string | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const [, language] = FENCE.exec(line) ?? [];
    if (open !== null && language === undefined) open.code.push(line);
    else if (open !== null) {
      blocks.push({ ...open, code: `${open.code.join('\n')}\n` });
      open = null;
      run = null;
    } else if (language !== undefined) open = { language, line: index + 1, run, code: [] };
    else if (line.trim() !== '') run = RUN.exec(line.trim())?.[1] ?? null;
  }
  return blocks;
}

/** The text outside of code blocks and code spans, line by line, so that line numbers remain. */
export function prose(text: string): string {
  let isCode = false;
  return text
    .split('\n')
    .map((line) => {
      if (FENCE.test(line)) {
        isCode = !isCode;
        return '';
      }
      return isCode ? '' : line.replaceAll(/`[^`]*`/g, '');
    })
    .join('\n');
}

export function links(text: string): readonly Link[] {
  return prose(text)
    .split('\n')
    .flatMap((line, index) => [...line.matchAll(LINK)].map(([, target = '']) => ({ target, line: index + 1 })));
}

/** The anchors that GitHub makes from the headings. */
export function anchors(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  let isCode = false;
  for (const line of text.split('\n')) {
    if (FENCE.test(line)) isCode = !isCode;
    const [, heading] = isCode ? [] : (HEADING.exec(line) ?? []);
    if (heading === undefined) continue;
    const base = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    let anchor = base;
    for (let number = 1; found.has(anchor); number += 1) anchor = `${base}-${number}`;
    found.add(anchor);
  }
  return found;
}
