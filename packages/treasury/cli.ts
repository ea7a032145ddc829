/** `npm run treasury -- <command>`: see docs/treasury.md. `keys` and `sign` use no network. */
import { parseArgs } from 'node:util';
import { UsageError } from './command-line.ts';
import { COMMANDS } from './commands.ts';
import { createPrompt } from './prompt.ts';

const OPTIONS = [
  ...['out', 'keys', 'chain', 'rpc', 'header', 'xpub', 'addresses', 'to', 'minimum', 'coin-price'],
  ...['margin', 'hours', 'plan', 'allow', 'confirm', 'max-fee', 'signed', 'minutes'],
  ...['refunds', 'record'],
];

const USAGE = `treasury keys new|import --out FILE
treasury keys show --keys FILE
treasury plan --chain tron|bsc|polygon --rpc URL [--header "Name: value"] --xpub XPUB --addresses FILE --to ADDRESS
              --minimum USDT --coin-price USD [--margin PERCENT] [--hours 1-24] --out FILE
treasury sign --plan FILE --keys FILE --allow FILE --confirm ADDRESS --max-fee COINS --out FILE
treasury broadcast --signed FILE --rpc URL [--header "Name: value"] [--minutes 10]
treasury report --signed FILE --rpc URL [--header "Name: value"] --out FILE
treasury refunds plan --refunds FILE --rpc URL [--header "Name: value"] --xpub XPUB [--margin PERCENT] [--hours 1-24]
              --out FILE
treasury refunds sign --plan FILE --refunds FILE --keys FILE --record FILE --confirm USDT --max-fee COINS --out FILE
treasury refunds broadcast --signed FILE --rpc URL [--header "Name: value"] [--minutes 10]
treasury refunds report --signed FILE --rpc URL [--header "Name: value"] --out FILE
`;

function parseArguments() {
  try {
    const options = Object.fromEntries(OPTIONS.map((name) => [name, { type: 'string' as const }]));
    return parseArgs({ options, allowPositionals: true });
  } catch {
    return null;
  }
}

async function main(): Promise<number> {
  const args = parseArguments();
  const name = args?.positionals.join(' ') ?? '';
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (args === null || command === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const prompt = createPrompt(process.stdin, process.stderr);
  const print = (line: string) => process.stdout.write(`${line}\n`);
  try {
    const context = { prompt, print, fetcher: globalThis.fetch, now: Date.now };
    return await command(context, args.values);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  } finally {
    prompt.close();
  }
}

process.exitCode = await main();
