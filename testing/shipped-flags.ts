import packageFile from '../package.json' with { type: 'json' };

/** The collector's flags for Node.js, as `npm start` gives them: what measures a gateway starts it as it is shipped. */
export const SHIPPED_FLAGS: readonly string[] = packageFile.scripts.start
  .split(' ')
  .filter((word) => /^--.*(space|gc)/.test(word));
