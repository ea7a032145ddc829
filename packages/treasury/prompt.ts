/**
 * Asks the operator for a secret without echoing it. When input is a pipe, it reads the next line.
 */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';

export type Prompt = Readonly<{
  secret: (question: string) => Promise<string>;
  close: () => void;
}>;

export function createPrompt(input: NodeJS.ReadStream, output: NodeJS.WriteStream): Prompt {
  const nullOutput = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines: Interface = createInterface({
    input,
    output: nullOutput,
    terminal: input.isTTY === true,
  });
  const next = lines[Symbol.asyncIterator]();
  return {
    secret: async (question) => {
      output.write(`${question}: `);
      const { value, done } = await next.next();
      output.write('\n');
      return done === true ? '' : value;
    },
    close: () => lines.close(),
  };
}
