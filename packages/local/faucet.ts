/**
 * `npm run faucet -- --account ID-or-email --chain tron --amount 10`: sends test USDT to the
 * account's deposit address on a local chain. The deposits Worker finds and credits it like a real
 * deposit.
 */
import { parseArgs } from 'node:util';
import { callControl, readRunning } from './control-client.ts';
import { STATE_DIR } from './paths.ts';

const USAGE = 'npm run faucet -- --account ID-or-email --chain tron|bsc|polygon --amount USDT';

async function main(): Promise<number> {
  const printError = (text: string) => process.stderr.write(`${text}\n`);
  const { values } = parseArgs({
    strict: false,
    options: {
      account: { type: 'string' },
      chain: { type: 'string' },
      amount: { type: 'string' },
    },
  });
  const { account, chain = 'tron', amount = '10' } = values;
  if (typeof account !== 'string' || typeof chain !== 'string' || typeof amount !== 'string') {
    printError(USAGE);
    return 2;
  }
  const running = readRunning(STATE_DIR);
  const answer =
    running === null ? null : await callControl(running, '/faucet', { account, chain, amount });
  if (answer === null) {
    printError('No local stack is running. Start one with `npm start`, then try again.');
    return 1;
  }
  if (!answer.ok) {
    printError(answer.message);
    return 1;
  }
  process.stdout.write(
    `Sent ${amount} USDT on ${chain}: ${answer.transaction ?? ''}\nIt is credited within about a minute. See /top-up in the console.\n`,
  );
  return 0;
}

process.exitCode = await main();
