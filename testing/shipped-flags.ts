import packageFile from '../package.json' with { type: 'json' };

/** The collector's flags for Node.js, as in `npm start`: measurements start a gateway in its shipped form. */
export const SHIPPED_FLAGS: readonly string[] = packageFile.scripts.start
  .split(' ')
  .filter((word) => /^--.*(space|gc)/.test(word));
