import { stripTypeScriptTypes } from 'node:module';

/**
 * The JavaScript of a TypeScript module: what Node runs, as Node strips it. Node tells with a warning that the function for it is
 * younger than the stripping itself; a gateway's log is no place for that, so the warning is held back for this call alone.
 */
export function stripTypes(source: string): string {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
