import { PRIVACY_CLASSES } from '../protocol/privacy-class.ts';

export const PRIVACY_PAGE = 'docs/privacy.md';
const BETWEEN = /(<!-- privacy-classes: .*? -->\n).*?(<!-- end of privacy-classes -->)/s;

/** The page with its table from the code. */
export function withPrivacyTable(page: string): string {
  const rows = Object.entries(PRIVACY_CLASSES).map(
    ([of, fields]) => `| ${of} | ${fields.map((field) => `\`${field}\``).join(', ')} |`,
  );
  const table = ['<!-- prettier-ignore -->', '| class | fields |', '| --- | --- |', ...rows];
  return page.replace(BETWEEN, (_, begin: string, end: string) => `${begin}\n${table.join('\n')}\n\n${end}`);
}
