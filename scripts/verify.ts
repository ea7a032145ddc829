/**
 * `npm run verify -- statement.jsonl [--keys <URL or file>]`: verifies a signed statement
 * (docs/statements.md). Without `--keys` it takes those of the local stack. Exits with 1 where the
 * statement is not valid.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { StatementKeys } from '@farebox/ledger';
import { StatementVerifier } from '@farebox/ledger/statement-verifier';
import { formatUsd } from '@farebox/money';

const LOCAL_KEYS = 'http://127.0.0.1:8787/.well-known/farebox-keys.json';

async function readKeys(source: string): Promise<StatementKeys> {
  if (!/^https?:/.test(source)) return JSON.parse(await readFile(source, 'utf8'));
  const response = await fetch(source);
  if (!response.ok) throw new Error(`${source} answered ${response.status}`);
  return JSON.parse(await response.text());
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { keys: { type: 'string', default: LOCAL_KEYS } },
    allowPositionals: true,
  });
  const [file] = positionals;
  if (file === undefined) {
    process.stderr.write('usage: npm run verify -- statement.jsonl [--keys <URL or file>]\n');
    return 2;
  }
  const keys = await readKeys(values.keys);
  const found = await new StatementVerifier(keys).verify(await readFile(file, 'utf8'));
  const { problem, account, entries, sum, balance, notChained } = found;
  process.stdout.write(`${entries} entries of account ${account ?? '-'}\n`);
  process.stdout.write(`sum ${formatUsd(sum)} USD, balance ${formatUsd(balance)} USD\n`);
  if (notChained > 0) process.stdout.write(`${notChained} newer entries are not chained yet\n`);
  const verdict = problem === null ? 'valid' : `line ${problem.line}: ${problem.reason}`;
  process.stdout.write(`${verdict}\n`);
  return problem === null ? 0 : 1;
}

process.exitCode = await main();
