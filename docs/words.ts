/** A row of the glossary's forbidden twins: what not to write, and what to write instead. */
export interface ForbiddenTwin {
  readonly words: readonly string[];
  readonly instead: string;
}

export interface ForbiddenUse {
  readonly line: number;
  readonly word: string;
  readonly instead: string;
}

/** Reads the table below "Forbidden twins" of `docs/glossary.md`. Pure. */
export function readForbiddenTwins(glossary: string): readonly ForbiddenTwin[] {
  const [, section = ''] = glossary.split('## Forbidden twins');
  return section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (do not write|-)/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, words = '', instead = '']) => ({ words: words.split(', '), instead }));
}

/** Other systems that use the word, when the line names them. */
const OTHER_SYSTEMS = /\b(nats|rabbitmq|amqp|kafka|mqtt|centrifugo|socket\.io|SUBSCRIBER_ABSENT|telephone network)\b/i;

/** Where a text uses a forbidden word: as a whole word in any case, or as a part of an identifier. Pure. */
export function forbiddenUses(text: string, twins: readonly ForbiddenTwin[]): readonly ForbiddenUse[] {
  const patterns = twins.flatMap(({ words, instead }) =>
    words.map((word) => ({ word, instead, pattern: patternOf(word) })),
  );
  return text.split('\n').flatMap((line, index) => {
    if (OTHER_SYSTEMS.test(line)) return [];
    return patterns
      .filter(({ pattern }) => pattern.test(line))
      .map(({ word, instead }) => ({ line: index + 1, word, instead }));
  });
}

/** `bury` is found in `bury`, `buryEvent`, `canBury` and `BURY_MS`, and not in `Salisbury`. */
function patternOf(word: string): RegExp {
  const spaced = word.replaceAll(' ', String.raw`\s+`);
  const capital = spaced.charAt(0).toUpperCase() + spaced.slice(1);
  return new RegExp(
    String.raw`(?<![A-Za-z])${spaced}(?![a-z])|(?<![A-Z])${capital}(?![a-z])|(?<![A-Z])${spaced.toUpperCase()}(?![A-Z])`,
  );
}
