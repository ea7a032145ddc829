/**
 * Compiles the test token. `node packages/local/token/compile.ts` updates the code used on the
 * local chains.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import solc from 'solc';

const FOLDER = import.meta.dirname;
export const TOKEN_FILE = join(FOLDER, 'token.generated.json');

const SETTINGS = {
  // Every simulated chain supports these opcodes. Some don't support PUSH0.
  evmVersion: 'paris',
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: 'none', appendCBOR: false },
  outputSelection: { 'TestUsdt.sol': { TestUsdt: ['evm.deployedBytecode.object'] } },
};

function getPath(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce(
    (inner: unknown, name) =>
      typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined,
    value,
  );
}

/** Returns the code of the deployed contract in hexadecimal with 0x. */
export function compileToken(): string {
  const content = readFileSync(join(FOLDER, 'TestUsdt.sol'), 'utf8');
  const input = {
    language: 'Solidity',
    sources: { 'TestUsdt.sol': { content } },
    settings: SETTINGS,
  };
  const compiled: unknown = JSON.parse(solc.compile(JSON.stringify(input)));
  const code = getPath(
    compiled,
    'contracts',
    'TestUsdt.sol',
    'TestUsdt',
    'evm',
    'deployedBytecode',
    'object',
  );
  if (typeof code !== 'string' || code === '') {
    throw new Error(JSON.stringify(getPath(compiled, 'errors')));
  }
  return `0x${code}`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(TOKEN_FILE, `${JSON.stringify({ code: compileToken() })}\n`);
}
