import type { ChildProcess } from 'node:child_process';

/** A started process: its output and its end. */
export class Started {
  output = '';
  readonly exitCode: Promise<number | null>;
  readonly #child: ChildProcess;
  #look: () => void = () => {};

  constructor(child: ChildProcess) {
    this.#child = child;
    this.exitCode = new Promise((resolve) => child.once('close', (code) => resolve(code)));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        this.#look();
      });
    }
  }

  async says(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const match = pattern.exec(this.output);
        if (match !== null) resolve(match);
      };
      this.#look();
      void this.exitCode.then((code) => reject(new Error(`ended with ${code}:\n${this.output}`)));
    });
  }

  async listening(): Promise<{ port: number; innerPort: number }> {
    const [, port, innerPort] = await this.says(/"port":(\d+),"inner_port":(\d+),"msg":"listening"/);
    return { port: Number(port), innerPort: Number(innerPort) };
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
