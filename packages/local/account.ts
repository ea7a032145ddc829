/**
 * `npm run account -- --credit 25 [--json]`: creates a verified account with that credit in USD and
 * one API key on the running local stack. With --json, stdout is one line: the account as JSON.
 */
import { parseArgs } from 'node:util';
import { parseUsd } from '@farebox/money';
import { callControl, readRunning } from './control-client.ts';
import type { CreateAccountOptions } from './create-account.ts';
import { STATE_DIR } from './paths.ts';

const USAGE = `npm run account -- --credit USD [--json] [--email E] [--password P] [--name KEYNAME]
                  [--budget USD] [--models provider/model,provider/model]`;

function parseArguments(
  args: readonly string[],
): Readonly<{ accountOptions: CreateAccountOptions; json: boolean }> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      credit: { type: 'string' },
      json: { type: 'boolean' },
      email: { type: 'string' },
      password: { type: 'string' },
      name: { type: 'string' },
      budget: { type: 'string' },
      models: { type: 'string' },
    },
  });
  const { credit = '0', email, password, name, budget, models } = values;
  if (parseUsd(credit) === undefined) throw new Error(`--credit ${credit} isn’t an amount in USD.`);
  const limit = budget === undefined ? undefined : parseUsd(budget);
  if (budget !== undefined && limit === undefined) {
    throw new Error(`--budget ${budget} isn’t an amount in USD.`);
  }
  const accountOptions: CreateAccountOptions = {
    creditUsd: credit,
    limits: {
      ...(limit === undefined ? {} : { budget: limit }),
      ...(models === undefined ? {} : { models: models.split(',').map((model) => model.trim()) }),
    },
    ...(email === undefined ? {} : { email }),
    ...(password === undefined ? {} : { password }),
    ...(name === undefined ? {} : { name }),
  };
  return { accountOptions, json: values.json === true };
}

async function main(): Promise<number> {
  const printError = (text: string) => process.stderr.write(`${text}\n`);
  let parsedArgs: ReturnType<typeof parseArguments>;
  try {
    parsedArgs = parseArguments(process.argv.slice(2));
  } catch (error) {
    printError(`${error instanceof Error ? error.message : 'Invalid options.'}\n\n${USAGE}`);
    return 2;
  }
  const running = readRunning(STATE_DIR);
  const answer =
    running === null ? null : await callControl(running, '/account', parsedArgs.accountOptions);
  if (running === null || answer === null) {
    printError('No local stack is running. Start one with `npm start`, then try again.');
    return 1;
  }
  if (!answer.ok || answer.account === null) {
    printError(answer.ok ? 'The stack created no account.' : answer.message);
    return 1;
  }
  const { account } = answer;
  if (parsedArgs.json) process.stdout.write(`${JSON.stringify(account)}\n`);
  else {
    process.stdout.write(
      `\n  email     ${account.email}\n  password  ${account.password}\n  account   ${account.accountId}\n` +
        `  API key   ${account.apiKey}\n  gateway   ${running.gatewayUrl}\n\n`,
    );
  }
  return 0;
}

process.exitCode = await main();
