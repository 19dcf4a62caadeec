// Plain JavaScript that any Node can parse: if this Node is too old to run the TypeScript source, prints one line that
// says what to do.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  console.error(
    `Firehose needs Node.js 24.12 or newer; this is ${process.version}. On Linux x64 and arm64 'npm ci' brings it along (check that optional dependencies are not omitted); elsewhere install Node.js 24.`,
  );
  process.exit(1);
}
