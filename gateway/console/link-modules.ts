/** A module of the page without its types, and what its specifiers mean. */
export interface PageModule {
  readonly source: string;
  /** The path of what it imports, by the specifier. */
  readonly imports: ReadonlyMap<string, string>;
}

const IMPORT = /^import\s*\{([^}]*)\}\s*from\s*'([^']+)';?$/gm;
const EXPORT = /^export(?=\s+(?:async\s+)?(?:function|class|const)\s+(\w+))/gm;

/**
 * One script of many modules, so that a browser sends one request and not one for each. Every module becomes a function
 * after those that it imports. `modules` has them in that order, by their paths; what is not among them stays an import.
 * It understands only what the page's own code has: named imports, and exports of functions, classes and constants. Pure.
 */
export function linkModules(modules: ReadonlyMap<string, PageModule>): string {
  const names = new Map([...modules.keys()].map((path, at) => [path, `module${at}`]));
  const outside = new Map<string, string>();
  const linked = [...modules].map(([path, { source, imports }]) => {
    const bound = source.replaceAll(IMPORT, (_, list: string, specifier: string) => {
      const from = imports.get(specifier) ?? specifier;
      let name = names.get(from) ?? outside.get(from);
      if (name === undefined) outside.set(from, (name = `outside${outside.size}`));
      return `const { ${list.replaceAll(/\bas\b/g, ':')} } = ${name};`;
    });
    const exported = [...bound.matchAll(EXPORT)].map(([, name]) => name);
    const body = bound.replaceAll(EXPORT, '');
    if (/^(?:import|export)\b/m.test(body))
      throw new Error(`${path} imports or exports in a way that is not understood`);
    return `// ${path}\nconst ${names.get(path)} = (() => {\n${body}\nreturn { ${exported.join(', ')} };\n})();\n`;
  });
  const imports = [...outside].map(([specifier, name]) => `import * as ${name} from '${specifier}';\n`);
  return `${imports.join('')}${linked.join('')}`;
}
